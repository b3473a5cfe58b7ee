"""A guard that is somebody else's server: one POST asks it about a text.

It is asked with the text and where it stands, and answers with a verdict:

    {"text": "…", "side": "input", "model": "…", "tenant": "…", "request_id": "…", "question": "…"}
    {"action": "mask", "spans": [{"start": 3, "end": 9, "kind": "name", "replacement": null}], "score": 0.9,
     "reason": "…"}

The URL comes from the configuration alone, redirects are not followed, and the answer's size is bounded. Whatever else
comes back, or nothing in time, is a failure: ``on_error`` says what it means.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Context, Verdict
from forebay.plugins import GuardPlugin, GuardTools, Post
from forebay.settings import Secret


class RemoteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to ask; ``key`` is sent as a bearer token."""

    url: Annotated[str, msgspec.Meta(pattern="^https?://")]
    key: Secret | None = None


class Question(msgspec.Struct, frozen=True):
    """What the server is asked."""

    text: str
    side: str
    tenant: str
    model: str
    request_id: str
    question: str


_answers = msgspec.json.Decoder(Verdict)


class Remote:
    """Asks ``url`` about the whole of every text."""

    lookbehind: int | None = None

    def __init__(self, url: str, headers: Mapping[str, str], post: Post) -> None:
        self._url = url
        self._headers = headers
        self._post = post

    async def check(self, text: str, context: Context) -> Verdict:
        """What the server says.

        Raises:
            ForebayError: it cannot be reached, or answers with another status than 200.
            msgspec.DecodeError: what it answers is no verdict.
        """
        asked = Question(text, context.side.value, context.tenant, context.model, context.request_id, context.question)
        return _answers.decode(await self._post(self._url, self._headers, msgspec.json.encode(asked)))


def _build(settings: RemoteSettings, tools: GuardTools) -> Guard:
    headers = {"content-type": "application/json"}
    if settings.key is not None:
        headers["authorization"] = f"Bearer {settings.key.reveal()}"
    return Remote(settings.url, headers, tools.post)


plugin = GuardPlugin(RemoteSettings, _build)
