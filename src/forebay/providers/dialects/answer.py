"""What a reader of a vendor's reply tells, whether the reply is whole or streamed: one vocabulary for both.

So there is one place for what must hold of every answer: tool calls are numbered from 0, a call without arguments has
``{}``, every choice has one finish reason and it fits what was said.
"""

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from forebay.core.errors import UpstreamError
from forebay.core.types import Usage
from forebay.providers.dialects.completion import CallPiece, Delta, FunctionPiece, Logprobs, ThinkingPiece

STOP = "stop"
TOOL_CALLS = "tool_calls"


class FinishReasons:
    """A vendor's reasons to stop in OpenAI's words; ``unknown`` counts those that are in no document."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self.unknown: Counter[str] = Counter()

    def of(self, reason: str) -> str:
        """OpenAI's word for ``reason``; an unknown one is a plain end."""
        known = self._known.get(reason)
        if known is None:
            self.unknown["all"] += 1  # not by its name: an upstream could invent names without end
            return STOP
        return known


class Answer(ABC):
    """The answer to one chat so far.

    ``choice`` is 0 wherever there is one answer only. ``id`` and ``model`` are ours until the upstream tells its own,
    which it must do before it says anything.
    """

    def __init__(self, answer_id: str, model: str, reasons: FinishReasons) -> None:
        self.id = answer_id
        self.model = model
        self.created = int(time.time())
        self.usage: Usage | None = None
        self.ended = False
        self._reasons = reasons
        self._calls: dict[int, list[bool]] = {}
        self._blocks: dict[int, int] = {}
        self._finish: dict[int, str] = {}
        self._seen: set[int] = set()

    @abstractmethod
    def say(self, choice: int, delta: Delta) -> None:
        """Add ``delta`` to an answer."""

    def end(self) -> None:
        """The upstream has said that nothing more will come."""
        self.ended = True

    @property
    def complete(self) -> bool:
        """Whether every answer that began has its finish reason."""
        return bool(self._finish) and self._seen <= self._finish.keys()

    def finished(self) -> int:
        """How many answers have their finish reason."""
        return len(self._finish)

    def called(self, choice: int = 0) -> int:
        """How many tool calls there are so far."""
        return len(self._calls.get(choice, ()))

    def text(self, text: str, choice: int = 0) -> None:
        """A piece of the text."""
        if text:
            self.say(choice, Delta(content=text))

    def reasoning(self, text: str, choice: int = 0) -> None:
        """A piece of the reasoning."""
        if text:
            self.say(choice, Delta(reasoning_content=text))

    def thinking(self, block: ThinkingPiece, choice: int = 0) -> None:
        """A whole block of reasoning that the vendor wants back; its text has been told by `reasoning`."""
        block.index = self._blocks.get(choice, 0)
        self._blocks[choice] = block.index + 1
        self.say(choice, Delta(thinking_blocks=[block]))

    def extra_content(self, content: Any, choice: int = 0) -> None:  # noqa: ANN401  # a vendor's own
        """What else the vendor wants back with the message."""
        self.say(choice, Delta(extra_content=content))

    def call(self, name: str, call_id: str = "", choice: int = 0, extra: Any = UNSET) -> int:  # noqa: ANN401
        """Begin a tool call; its number is what `arguments` and `call_ends` want."""
        calls = self._calls.setdefault(choice, [])
        number = len(calls)
        calls.append(False)
        function = FunctionPiece(name)
        made = call_id or f"call_{self.id}_{choice}_{number}"
        self.say(choice, Delta(tool_calls=[CallPiece(function, number, made, "function", extra)]))
        return number

    def arguments(self, number: int, piece: str, choice: int = 0) -> None:
        """A piece of a call's arguments, which are JSON in the end.

        Raises:
            UpstreamError: there is no such call.
        """
        calls = self._begun(choice, number)
        if piece:
            calls[number] = True
            self.say(choice, Delta(tool_calls=[CallPiece(FunctionPiece(arguments=piece), number)]))

    def call_ends(self, number: int, choice: int = 0) -> None:
        """A call is whole.

        Raises:
            UpstreamError: there is no such call.
        """
        if not self._begun(choice, number)[number]:
            self.arguments(number, "{}", choice)

    def _begun(self, choice: int, number: int) -> list[bool]:
        """The calls so far, by number: whether they have arguments yet."""
        calls = self._calls.get(choice, [])
        if number >= len(calls):
            raise UpstreamError("The upstream goes on with a tool call that it has not begun.")
        return calls

    def logprobs(self, logprobs: Logprobs, choice: int = 0) -> None:  # noqa: B027  # most vendors have none
        """The log-probabilities of what was said last."""

    def comment(self) -> None:  # noqa: B027  # only a stream can tell it
        """The upstream is alive, but has nothing to say."""

    def finish(self, reason: str, choice: int = 0) -> None:
        """An answer is whole, for the vendor's ``reason``."""
        word = self._reasons.of(reason)
        called = bool(self._calls.get(choice))
        if word == STOP and called:
            word = TOOL_CALLS
        elif word == TOOL_CALLS and not called:
            word = STOP
        self._seen.add(choice)
        self._finish[choice] = word

    def count(self, usage: Usage) -> None:
        """The tokens so far."""
        self.usage = usage
