"""An answer as a stream of chunks for the client."""

import msgspec
from msgspec import UNSET, UnsetType

from forebay.core.stream import DONE, event
from forebay.core.types import Event
from forebay.providers.dialects.answer import Answer, FinishReasons
from forebay.providers.dialects.completion import Chunk, ChunkChoice, Counted, Delta, Logprobs

COMMENT = b": ping\n\n"

_encode = msgspec.json.Encoder().encode


class Chunks(Answer):
    """Collects events until they are taken; nothing is to be taken before the answer has begun."""

    def __init__(self, answer_id: str, model: str, reasons: FinishReasons, *, include_usage: bool) -> None:
        super().__init__(answer_id, model, reasons)
        self._usage: UnsetType | None = None if include_usage else UNSET
        self._events: list[bytes] = []
        self._content = False
        self._logprobs: dict[int, Logprobs] = {}

    def say(self, choice: int, delta: Delta) -> None:
        """A chunk of its own; the role stands in the first."""
        if choice not in self._seen:
            self._seen.add(choice)
            delta.role = "assistant"
        self._content = True
        self._write([ChunkChoice(choice, delta, self._logprobs.pop(choice, None))])

    def logprobs(self, logprobs: Logprobs, choice: int = 0) -> None:
        """They go with the next chunk."""
        self._logprobs[choice] = logprobs

    def finish(self, reason: str, choice: int = 0) -> None:
        """Remember it: it is told when nothing can break any more."""
        if choice not in self._seen:
            self.say(choice, Delta(content=""))
        super().finish(reason, choice)

    def comment(self) -> None:
        """The upstream is alive; so is this stream, once it has begun."""
        if self._seen:
            self._events.append(COMMENT)

    def end(self) -> None:
        """The finish reasons, the usage if it was asked for, and ``[DONE]``; nothing, if an answer has no reason."""
        super().end()
        if not self.complete:
            return
        for choice, reason in self._finish.items():
            self._write([ChunkChoice(choice, Delta(), self._logprobs.pop(choice, None), reason)])
        if self._usage is None and self.usage is not None:
            self._write([], Counted.of(self.usage))
        self._events.append(DONE)

    def take(self) -> Event | None:
        """All events since the last call, if there are any."""
        if not self._events:
            return None
        taken = Event(b"".join(self._events), self._content)
        self._events, self._content = [], False
        return taken

    def _write(self, choices: list[ChunkChoice], usage: Counted | None = None) -> None:
        chunk = Chunk(self.id, self.created, self.model, choices, usage or self._usage)
        self._events.append(event(_encode(chunk)))
