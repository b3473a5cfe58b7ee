"""What crosses from a gateway's socket to a handle of Serve's, and back."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from forebay.api.http import Message, Scope
from forebay.rayserve.asked import Asked, Head
from forebay.server.exchange import Application

pytestmark = [pytest.mark.ray, pytest.mark.needs("ray")]

Answer = Callable[[Asked], AsyncIterator[Head | bytes]]
HEAD = Head(200, [(b"content-type", b"text/event-stream")])


class Response:
    """An answer that is on its way."""

    def __init__(self, pieces: AsyncIterator[Head | bytes]) -> None:
        self._pieces = pieces
        self.cancelled = False

    def __aiter__(self) -> AsyncIterator[Head | bytes]:
        return self._pieces

    def cancel(self) -> None:
        self.cancelled = True


class Told:
    """What all replicas said."""

    def __init__(self, answers: list[tuple[Head, bytes]]) -> None:
        self._answers = answers

    async def results_async(self, *, timeout_s: float) -> list[tuple[Head, bytes]]:
        assert timeout_s > 0
        return self._answers


class Handle:
    """A handle of Serve's whose replicas say what they are told to."""

    def __init__(self, answer: Answer, everywhere: list[tuple[Head, bytes]] | None = None) -> None:
        self._answer = answer
        self._everywhere = everywhere or []
        self.given: list[dict[str, Any]] = []
        self.responses: list[Response] = []
        self.asked = asyncio.Event()

    def options(self, **options: Any) -> "Handle":
        self.given.append(options)
        return self

    def remote(self, request: Asked) -> Response:
        self.responses.append(Response(self._answer(request)))
        self.asked.set()
        return self.responses[-1]

    def broadcast(self, method_name: str, *arguments: Any) -> Told:
        assert method_name == "tell"
        assert isinstance(arguments[0], Asked)
        return Told(self._everywhere)


def _bridge(handle: Handle) -> Application:
    """The bridge itself: Ray is there only when a test runs, and warns of itself while it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from forebay.rayserve.bridge import Bridge  # noqa: PLC0415
    return Bridge(handle)


def _gone() -> Exception:
    from ray.exceptions import RayActorError  # noqa: PLC0415

    error: Exception = RayActorError()
    return error


async def _ask(handle: Handle, path: str = "/v1/chat/completions", model: str = "m") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": msgspec.json.encode({"model": model}), "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    await _bridge(handle)(scope, receive, send)
    return sent


def _body(sent: list[Message]) -> bytes:
    return b"".join(each.get("body", b"") for each in sent)


async def _whole(_request: Asked) -> AsyncIterator[Head | bytes]:
    yield HEAD
    yield b"one"
    yield b"two"


async def _dead(request: Asked) -> AsyncIterator[Head | bytes]:
    if request.method:
        raise _gone()
    yield HEAD


async def _dying(_request: Asked) -> AsyncIterator[Head | bytes]:
    yield HEAD
    yield b"one"
    raise _gone()


async def _endless(_request: Asked) -> AsyncIterator[Head | bytes]:
    yield HEAD
    await asyncio.Event().wait()


async def test_answer_is_handed_on_as_it_comes() -> None:
    sent = await _ask(Handle(_whole))
    assert [each.get("body") for each in sent[1:]] == [b"one", b"two", b""]
    assert not sent[-1].get("more_body")


async def test_adapter_is_told_to_the_router() -> None:
    handle = Handle(_whole)
    await _ask(handle, model="m:poet")
    assert handle.given[-1] == {"multiplexed_model_id": "m:poet"}


async def test_replica_that_is_gone_is_a_503() -> None:
    sent = await _ask(Handle(_dead))
    assert sent[0]["status"] == 503
    assert msgspec.json.decode(_body(sent))["error"]["code"] == "unavailable"


async def test_half_an_answer_has_no_end() -> None:
    with pytest.raises(type(_gone())):
        await _ask(Handle(_dying))


async def test_who_leaves_cancels_the_call() -> None:
    handle = Handle(_endless)
    asking = asyncio.create_task(_ask(handle))
    await handle.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert handle.responses[0].cancelled


async def test_readiness_asks_no_replica() -> None:
    handle = Handle(_dead)
    assert (await _ask(handle, "/ready"))[0]["status"] == 200
    assert not handle.responses


@pytest.mark.parametrize(("statuses", "status"), [([200, 200], 200), ([200, 404], 404), ([], 503)])
async def test_what_all_have_to_know_is_as_good_as_its_worst_answer(statuses: list[int], status: int) -> None:
    handle = Handle(_dead, [(Head(each, [(b"content-length", b"3")]), b"%d" % each) for each in statuses])
    sent = await _ask(handle, "/v1/load_lora_adapter")
    assert sent[0]["status"] == status
    assert statuses == [] or _body(sent) == b"%d" % status
    assert len([name for name, _ in sent[0]["headers"] if name == b"content-length"]) == 1
