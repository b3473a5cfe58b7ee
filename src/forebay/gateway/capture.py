"""The stage that hands on what clients sent and got, where bodies are captured; what becomes of it is not its business.

It stands outside the guards: what is captured is the client's side of the conversation.
"""

import time
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from forebay.core.captures import Capture
from forebay.core.errors import ForebayError
from forebay.core.ports import Handler
from forebay.core.types import Call, Operation, Reply, Stream, Usage, Whole
from forebay.gateway.cache.collect import Collecting
from forebay.settings import CaptureSettings

OFF: Final = "off"
_OPERATIONS: Final = frozenset({Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING})


class Taken(msgspec.Struct, frozen=True):
    """A capture whose reply may still be ``events`` of a stream, which are to be put together."""

    capture: Capture
    operation: Operation
    events: bytes = b""
    usage: Usage | None = None


Take = Callable[[Taken], None]
"""Takes what was captured; it must be quick and may not fail."""


class Capturing:
    """Captures by ``settings``; a client leaves its request out by the header ``x-forebay-capture: off``."""

    def __init__(self, settings: CaptureSettings, take: Take, random: Random | None = None) -> None:
        self._settings = settings
        self._take = take
        self._random = random or Random()  # noqa: S311  # it samples

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call``."""
        if not self._wanted(call):
            return await ask(call)
        try:
            reply = await ask(call)
        except ForebayError:
            self._keep(call)
            raise
        if isinstance(reply, Whole):
            self._keep(call, reply.body if len(reply.body) <= self._settings.max_body else b"")
            return reply
        events = Collecting(
            reply.events,
            self._settings.max_body,
            lambda events: self._keep(call, events=events or b""),
            lambda _error: self._keep(call),
        )
        return Stream(events, reply.headers, reply.content_type)

    def _wanted(self, call: Call) -> bool:
        settings, request = self._settings, call.request
        return (
            request.operation in _OPERATIONS
            and call.capture != OFF
            and len(request.body) <= settings.max_body
            and call.principal.tenant not in settings.without
            and (settings.sample >= 1 or self._random.random() < settings.sample)
        )

    def _keep(self, call: Call, reply: bytes = b"", events: bytes = b"") -> None:
        request, principal = call.request, call.principal
        capture = Capture(
            call.id,
            time.time(),
            principal.tenant,
            principal.name,
            request.operation.value,
            request.model,
            request.body,
            reply,
        )
        self._take(Taken(capture, request.operation, events, call.trace.usage))
