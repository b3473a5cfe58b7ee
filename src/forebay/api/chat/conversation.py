"""A client's turns, whatever its dialect, as the messages of OpenAI's chat.

Beyond OpenAI's own fields stand those that other gateways and Forebay's providers use too: ``cache_control`` on parts,
``reasoning_content`` and ``thinking_blocks`` in an assistant's message, ``is_error`` in a tool's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Part = dict[str, Any]
Message = dict[str, Any]


class Conversation:
    """Messages in their order. What the model says in one turn becomes one message."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._shown: list[Part] = []
        self._turn: Message | None = None

    def messages(self) -> list[Message]:
        """All of them."""
        self._show()
        return self._messages

    def instruct(self, parts: Sequence[Part]) -> None:
        """What the operator says. What is no text is shown by the user right after: instructions are text."""
        self._show()
        texts = self._texts(parts)
        if texts or not parts:
            self._append({"role": "system", "content": _content(texts, "\n")})

    def hear(self, parts: Sequence[Part]) -> None:
        """What the user says or shows."""
        self._show()
        self._append({"role": "user", "content": _content(parts, "\n")})

    def say(self, parts: Sequence[Part]) -> None:
        """What the model said: parts of text, which continue what it has said in this turn."""
        message = self._assistant()
        said = [] if message["content"] is None else _parts(message["content"])
        message["content"] = _content([*said, *parts], "")

    def think(self, text: str) -> None:
        """What the model thought, in clear text."""
        message = self._assistant()
        message["reasoning_content"] = message.get("reasoning_content", "") + text

    def sign(self, blocks: Sequence[Mapping[str, Any]]) -> None:
        """What the model thought, in blocks that its vendor wants back as they were."""
        if blocks:
            self._assistant().setdefault("thinking_blocks", []).extend(blocks)

    def call(self, call_id: str, name: str, arguments: str) -> None:
        """The model calls a function; ``arguments`` is JSON."""
        call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        self._assistant().setdefault("tool_calls", []).append(call)

    def result(self, call_id: str, parts: Sequence[Part], *, is_error: bool = False, **extra: Any) -> None:  # noqa: ANN401
        """A function answers. What is no text is shown by the user right after, because a tool's message takes none."""
        texts = self._texts(parts)
        if is_error:
            extra["is_error"] = True
        self._append({"role": "tool", "tool_call_id": call_id, "content": _content(texts, "\n"), **extra})

    def _texts(self, parts: Sequence[Part]) -> list[Part]:
        self._shown += [part for part in parts if part["type"] != "text"]
        return [part for part in parts if part["type"] == "text"]

    def _assistant(self) -> Message:
        """The model's turn: the last message, if it is one, else a new one."""
        self._show()
        if self._turn is None:
            self._append({"role": "assistant", "content": None})
            self._turn = self._messages[-1]
        return self._turn

    def _show(self) -> None:
        shown, self._shown = self._shown, []
        if shown:
            self._append({"role": "user", "content": shown})

    def _append(self, message: Message) -> None:
        self._turn = None
        self._messages.append(message)


def text_part(text: str) -> Part:
    """A part of text."""
    return {"type": "text", "text": text}


def image_part(url: str, detail: str | None = None) -> Part:
    """An image, by its address or as a data URL."""
    return {"type": "image_url", "image_url": {"url": url} | ({"detail": detail} if detail else {})}


def file_part(data: str, name: str | None = None) -> Part:
    """A document as a data URL, or by its address, which not every provider takes."""
    return {"type": "file", "file": {"filename": name or "document.pdf", "file_data": data}}


def _content(parts: Sequence[Part], between: str) -> str | list[Part]:
    """A string where that says the same: everybody takes it, and parts in a system's message are not for everybody."""
    if all(part.keys() == {"type", "text"} for part in parts):
        return between.join(part["text"] for part in parts)
    return list(parts)


def _parts(content: str | list[Part]) -> list[Part]:
    return [text_part(content)] if isinstance(content, str) else content
