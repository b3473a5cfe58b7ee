"""An answer as one body for the client."""

from collections import defaultdict
from typing import Any

import msgspec
from msgspec import UNSET

from forebay.providers.dialects.answer import Answer, FinishReasons
from forebay.providers.dialects.completion import (
    CallPiece,
    Choice,
    Completion,
    Counted,
    Delta,
    Logprobs,
    Message,
    ThinkingPiece,
)

_encode = msgspec.json.Encoder().encode


class _Gathered:
    """One choice: the pieces of its message."""

    __slots__ = ("blocks", "calls", "extra", "reasoning", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.blocks: list[ThinkingPiece] = []
        self.calls: list[CallPiece] = []
        self.extra: Any = UNSET

    def add(self, delta: Delta) -> None:
        if delta.content:
            self.text.append(delta.content)
        if delta.reasoning_content:
            self.reasoning.append(delta.reasoning_content)
        if delta.thinking_blocks:
            self.blocks += delta.thinking_blocks
        if delta.tool_calls:
            self._add_call(delta.tool_calls[0])
        if delta.extra_content is not UNSET:
            self.extra = delta.extra_content

    def _add_call(self, piece: CallPiece) -> None:
        if piece.id is not UNSET:
            self.calls.append(piece)
        elif isinstance(piece.index, int):
            self.calls[piece.index].function.arguments += piece.function.arguments

    def message(self) -> Message:
        for call in self.calls:
            call.index = UNSET
        for block in self.blocks:
            block.index = UNSET
        text = "".join(self.text)
        return Message(
            content=text if text or not self.calls else None,
            reasoning_content="".join(self.reasoning) or UNSET,
            thinking_blocks=self.blocks or UNSET,
            tool_calls=self.calls or UNSET,
            extra_content=self.extra,
        )


class Gatherer(Answer):
    """Puts an answer together."""

    def __init__(self, answer_id: str, model: str, reasons: FinishReasons) -> None:
        super().__init__(answer_id, model, reasons)
        self._gathered: defaultdict[int, _Gathered] = defaultdict(_Gathered)
        self._logprobs: dict[int, Logprobs] = {}

    def say(self, choice: int, delta: Delta) -> None:
        """Keep it."""
        self._seen.add(choice)
        self._gathered[choice].add(delta)

    def logprobs(self, logprobs: Logprobs, choice: int = 0) -> None:
        """Keep them."""
        self._logprobs[choice] = logprobs

    def body(self) -> bytes:
        """The whole completion; it must be `complete`."""
        choices = [
            Choice(choice, self._gathered[choice].message(), reason, self._logprobs.get(choice))
            for choice, reason in sorted(self._finish.items())
        ]
        usage = Counted.of(self.usage) if self.usage else UNSET
        return _encode(Completion(self.id, self.created, self.model, choices, usage))
