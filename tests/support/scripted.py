"""A provider that does what a test tells it, and calls to ask it with: for testing what stands around providers."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence

from forebay.core.adapters import AdapterSource
from forebay.core.errors import ForebayError, InvalidRequestError, NotFoundError
from forebay.core.stream import DONE, Primed, event
from forebay.core.types import (
    Call,
    Deployment,
    Event,
    Operation,
    Principal,
    Reply,
    Request,
    Stream,
    Trace,
    Usage,
    Whole,
)

Piece = bytes | Exception


class Scripted:
    """Answers every call with the same script: pieces of a stream, or one whole body, or errors in their place."""

    def __init__(self, script: Sequence[Piece], usage: Usage | None = None) -> None:
        self.script = script
        self.usage = usage
        self.operations = frozenset(Operation)
        self.calls: list[tuple[Call, Deployment]] = []
        self.running = 0
        self.started = 0
        self.closed = 0
        self.trouble: str | None = None

    async def start(self) -> None:
        self.started += 1

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        self.calls.append((call, deployment))
        call.trace.provider_started = time.perf_counter()
        call.trace.usage = self.usage
        if call.request.stream:
            stream = Stream(await Primed.of(self._events()))
            call.trace.provider_answered = time.perf_counter()
            return stream
        (only,) = self.script
        if isinstance(only, Exception):
            raise only
        call.trace.provider_answered = time.perf_counter()
        return Whole(only, self.usage)

    async def _events(self) -> AsyncGenerator[Event, None]:
        self.running += 1
        try:
            for piece in self.script:
                if isinstance(piece, Exception):
                    raise piece
                yield Event(piece, content=piece != DONE)
        finally:
            self.running -= 1

    def failure(self) -> str | None:
        return self.trouble

    def gauges(self) -> Mapping[str, float]:
        return {"running": self.running}

    async def close(self) -> None:
        self.closed += 1


def call(model: str = "m", *, stream: bool = False, models: frozenset[str] | None = None) -> Call:
    """A chat call for ``model``."""
    request = Request(Operation.CHAT, model, b'{"model": "m", "messages": [1]}', stream)
    return Call("req_1", request, Principal("alice", "team", models), Trace(time.perf_counter()))


def tokens(*texts: str) -> list[Piece]:
    """A stream's script: one event a text, and the end."""
    return [*(event(b'{"text": "%s"}' % text.encode()) for text in texts), DONE]


class ScriptedAdapters(Scripted):
    """The same with adapters: ``loaded`` maps the name of each to the path it came from."""

    def __init__(self, script: Sequence[Piece], loaded: dict[str, str] | None = None) -> None:
        super().__init__(script)
        self.loaded = loaded or {}
        self.listing: ForebayError | None = None

    async def adapters(self, deployment: Deployment) -> Sequence[str]:
        assert deployment.model
        if self.listing is not None:
            raise self.listing
        return [*self.loaded]

    async def load_adapter(self, deployment: Deployment, source: AdapterSource) -> None:
        assert deployment.model
        if source.name in self.loaded and not source.replace:
            raise InvalidRequestError("It is there already.", param="lora_name")
        self.loaded[source.name] = source.path

    async def unload_adapter(self, deployment: Deployment, name: str) -> None:
        assert deployment.model
        if self.loaded.pop(name, None) is None:
            raise NotFoundError("It is not loaded.")
