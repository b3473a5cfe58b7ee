"""What an answer consists of, part by part, and who wants to hear of it."""

from typing import Protocol

import msgspec


class Text(msgspec.Struct):
    """A piece of the answer's text."""

    pieces: list[str]

    @property
    def text(self) -> str:
        """All of it, up to now."""
        return "".join(self.pieces)


class Refusal(Text):
    """What the model says instead of an answer."""


class Reasoning(Text):
    """What the model thought; ``signature`` is its vendor's, empty where it signs nothing."""

    signature: str = ""


class Redacted(Text):
    """Reasoning that only its vendor can read: ``data``."""

    data: str = ""


class ToolCall(Text):
    """A call of a function; its text are the arguments."""

    id: str = ""
    name: str = ""


class Listener(Protocol):
    """Who is told of an answer as it grows. One part is open at a time, and all of it is told before the next."""

    def opened(self, index: int, part: Text, /) -> None:
        """The part number ``index`` begins, still without text."""
        ...

    def grew(self, index: int, part: Text, piece: str, /) -> None:
        """It has ``piece`` more at its end."""
        ...

    def closed(self, index: int, part: Text, /) -> None:
        """It is whole."""
        ...


class Silence:
    """Nobody: of a whole reply only the end counts."""

    def opened(self, index: int, part: Text) -> None:
        """Nothing."""

    def grew(self, index: int, part: Text, piece: str) -> None:
        """Nothing."""

    def closed(self, index: int, part: Text) -> None:
        """Nothing."""
