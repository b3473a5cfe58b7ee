"""The whole application on the real server, around providers that follow a script."""

import contextlib
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from forebay.app import assemble
from forebay.core.stream import DONE, event
from forebay.core.types import Usage
from forebay.server.limits import Limits
from forebay.settings import DeploymentSettings, LogSettings, ModelSettings, Settings
from tests.support.scripted import Piece, Scripted
from tests.support.serving import Running, serving

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    """A chat-completion chunk as an event."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return event(msgspec.json.encode(body))


WHOLE: list[Piece] = [msgspec.json.encode(COMPLETION)]
STREAM: list[Piece] = [chunk({"role": "assistant", "content": "H"}), chunk({"content": "i"}), chunk({}, "stop"), DONE]

Serve = Callable[..., contextlib.AbstractAsyncContextManager[tuple[Running, Scripted]]]


@pytest.fixture
def serve() -> Serve:
    """How to serve one model, ``m``, that follows a script."""

    @contextlib.asynccontextmanager
    async def serve(
        script: list[Piece], settings: Settings | None = None, limits: Limits | None = None
    ) -> AsyncIterator[tuple[Running, Scripted]]:
        provider = Scripted(script, Usage(3, 1))
        settings = msgspec.structs.replace(
            settings or Settings(),
            models={"m": ModelSettings((DeploymentSettings("p"),))},
            log=LogSettings(requests=False),
        )
        async with serving(assemble(settings, {"p": provider}), limits) as running:
            yield running, provider

    return serve
