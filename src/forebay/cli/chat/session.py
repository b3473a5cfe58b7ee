"""What has been said in a chat, and what is asked next."""

import time
from collections.abc import Iterable
from typing import Final

import msgspec

from forebay.cli.chat.answer import Piece

_TITLES: Final = {"system": "System", "user": "You", "assistant": "Assistant"}


class Message(msgspec.Struct, frozen=True):
    """One message, as OpenAI's API has it."""

    role: str
    content: str


class Turn:
    """A question and its answer, while it arrives."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.answer = ""
        self.stopped = False
        self._asked = time.perf_counter()
        self._first = self._last = 0.0
        self._pieces = 0
        self._tokens: int | None = None

    def take(self, batch: Iterable[Piece]) -> None:
        """Add what has arrived."""
        for piece in batch:
            if piece.text:
                self._first = self._first or piece.at
                self._last = piece.at
                self._pieces += 1
                self.answer += piece.text
            if piece.tokens is not None:
                self._tokens = piece.tokens

    def summary(self) -> str:
        """Time to the first token, tokens, tokens a second; ``≈`` if the server did not count them."""
        parts = ["stopped"] if self.stopped else []
        if self._pieces:
            parts.append(f"{self._first - self._asked:.2f} s to the first token")
            tokens, about = (self._pieces, "≈") if self._tokens is None else (self._tokens, "")
            parts.append(f"{about}{tokens} token{'' if tokens == 1 else 's'}")
            if tokens > 1 and self._last > self._first:
                parts.append(f"{about}{(tokens - 1) / (self._last - self._first):.1f} tokens/s")
        return " · ".join(parts) or "an empty answer"


class Session:
    """The messages so far, with which model."""

    def __init__(self, model: str, system: str | None = None) -> None:
        self.model = model
        self.system = system
        self._said: list[Message] = []

    def request(self, question: str) -> bytes:
        """The request that asks ``question`` next."""
        return msgspec.json.encode(
            {
                "model": self.model,
                "messages": [*self.messages(), Message("user", question)],
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        )

    def add(self, turn: Turn) -> None:
        """Remember a turn; one without an answer never happened, so that it can be asked again."""
        if turn.answer:
            self._said += [Message("user", turn.question), Message("assistant", turn.answer)]

    def reset(self) -> None:
        """Forget what was said, but not model and system prompt."""
        self._said.clear()

    def messages(self) -> list[Message]:
        """Everything that the model is told."""
        return [*([Message("system", self.system)] if self.system else []), *self._said]

    def as_json(self) -> str:
        """The chat as the body of a request."""
        body = msgspec.json.encode({"model": self.model, "messages": self.messages()})
        return msgspec.json.format(body, indent=2).decode() + "\n"

    def as_markdown(self) -> str:
        """The chat for people."""
        parts = [f"# Chat with {self.model}"]
        parts += [f"## {_TITLES[message.role]}\n\n{message.content.strip()}" for message in self.messages()]
        return "\n\n".join(parts) + "\n"
