"""Finds the calls of tools in a model's text as it comes, whatever the pieces: names at once, arguments as they grow.

Models write calls as they have learnt to, and their chat templates show how; each `Style` is one of those ways. What
looked like a call and is none (a name that nobody offered, JSON that breaks off) is told as text: nothing is lost.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol


class Content(NamedTuple):
    """Some text that is no call."""

    text: str


class Begin(NamedTuple):
    """A call of ``name`` begins."""

    name: str


class Arguments(NamedTuple):
    """The next part of the last call's arguments: JSON, as the model wrote it."""

    text: str


Found = Content | Begin | Arguments


class Reader(Protocol):
    """Reads one answer."""

    def feed(self, text: str, /) -> list[Found]:
        """What ``text``, which comes next, makes certain."""
        ...

    def end(self) -> list[Found]:
        """What was held back in vain."""
        ...


class _Pattern:
    """A sequence of regular expressions of which each matches a character at a time, or nothing."""

    def __init__(self, *atoms: str) -> None:
        self._whole = re.compile("".join(atoms))
        partial = ""
        for atom in reversed(atoms):
            partial = f"(?:{atom}{partial})?"
        self._partial = re.compile(partial)

    def match(self, text: str) -> re.Match[str] | None:
        """A match at the beginning of ``text``."""
        return self._whole.match(text)

    def may_match(self, text: str) -> bool:
        """Whether all of ``text`` is the beginning of a match."""
        return self._partial.fullmatch(text) is not None


_SPACE: Final = r"\s*"
_NOTHING: Final = _Pattern()


def _spelt(text: str) -> list[str]:
    return [re.escape(character) for character in text]


def _header(key: str) -> _Pattern:
    before = [_SPACE, r"\{", _SPACE, *_spelt('"name"'), _SPACE, ":", _SPACE, '"']
    after = ['"', _SPACE, ",", _SPACE, *_spelt(f'"{key}"'), _SPACE, ":", _SPACE]
    return _Pattern(*before, "([a-zA-Z0-9_-]*)", *after, r"(?=\{)")


_HEADERS: Final = (_header("arguments"), _header("parameters"))
_END: Final = _Pattern(_SPACE, r"\}")
_KNOWN_NAME: Final = re.compile(r'\{\s*"name"\s*:\s*"([a-zA-Z0-9_-]*)"')


class Style(NamedTuple):
    """A way to write calls: after ``marker`` (or, without one, at the beginning) and ``opening``, up to ``closing``."""

    marker: str
    opening: _Pattern = _NOTHING
    separator: _Pattern | None = None
    closing: _Pattern = _NOTHING
    anywhere: bool = True


HERMES: Final = Style("<tool_call>", closing=_Pattern(_SPACE, *_spelt("</tool_call>")))
MISTRAL: Final = Style(
    "[TOOL_CALLS]",
    opening=_Pattern(_SPACE, r"\["),
    separator=_Pattern(_SPACE, ","),
    closing=_Pattern(_SPACE, r"\]"),
)
LLAMA: Final = Style("<|python_tag|>", separator=_Pattern(_SPACE, ";"), anywhere=False)
ARRAY: Final = Style("", opening=MISTRAL.opening, separator=MISTRAL.separator, closing=MISTRAL.closing, anywhere=False)


def style_of(template: str) -> Style:
    """How a model with this chat template writes its calls."""
    return next((style for style in (HERMES, MISTRAL) if style.marker in template), LLAMA)


class CallReader:
    """Reads calls of the functions ``names`` in some style."""

    def __init__(self, style: Style, names: frozenset[str]) -> None:
        self._style = style
        self._names = names
        self._text = ""  # What has come and is not understood yet.
        self._taken = ""  # What was taken for the beginning of a call, until one has begun.
        self._found: list[Found] = []
        self._depth = 0
        self._quoted = False
        self._escaped = False
        # Each of these states makes what it can of `_text`, and tells whether there is more to be made of it.
        self._state: Callable[[], bool] = self._anywhere if style.anywhere else self._beginning

    def feed(self, text: str) -> list[Found]:
        """What ``text``, which comes next, makes certain."""
        self._text += text
        while self._state():
            pass
        found, self._found = self._found, []
        return found

    def end(self) -> list[Found]:
        """What was held back in vain; what is left of a call that has begun is no text."""
        begun = self._state in (self._after_arguments, self._after_call)
        text = "" if begun else self._taken + self._text
        self._text = self._taken = ""
        return [Content(text)] if text else []

    def _anywhere(self) -> bool:
        marker = self._style.marker
        before, found, after = self._text.partition(marker)
        if found:
            self._say(before)
            self._text, self._taken, self._state = after, marker, self._opening
            return True
        keep = next((size for size in range(len(marker) - 1, 0, -1) if self._text.endswith(marker[:size])), 0)
        self._say(self._text[: len(self._text) - keep])
        self._text = self._text[len(self._text) - keep :]
        return False

    def _beginning(self) -> bool:
        marker = self._style.marker
        if self._text.startswith(marker):
            self._text, self._taken, self._state = self._text[len(marker) :], marker, self._opening
            return True
        if marker.startswith(self._text):
            return False
        self._state = self._opening
        return True

    def _opening(self) -> bool:
        return self._expect(self._style.opening, then=self._header, otherwise=self._failed)

    def _header(self) -> bool:
        for header in _HEADERS:
            if match := header.match(self._text):
                return self._begin(match)
        return not any(header.may_match(self._text) for header in _HEADERS) and self._failed()

    def _begin(self, match: re.Match[str]) -> bool:
        if match[1] not in self._names:
            return self._failed()
        self._found.append(Begin(match[1]))
        self._text, self._taken, self._state = self._text[match.end() :], "", self._arguments
        self._depth, self._quoted, self._escaped = 0, False, False
        return True

    def _arguments(self) -> bool:
        end = next((at for at, character in enumerate(self._text, 1) if self._closed(character)), 0)
        told = self._text[:end] if end else self._text
        if told:
            self._found.append(Arguments(told))
        self._text = self._text[len(told) :]
        if end:
            self._state = self._after_arguments
        return end > 0

    def _closed(self, character: str) -> bool:
        """Count quotes and braces; whether ``character`` is the last of the arguments."""
        if self._escaped:
            self._escaped = False
        elif self._quoted:
            self._quoted, self._escaped = character != '"', character == "\\"
        elif character == '"':
            self._quoted = True
        else:
            self._depth += (character in "{[") - (character in "}]")
            return character in "}]" and not self._depth
        return False

    def _after_arguments(self) -> bool:
        return self._expect(_END, then=self._after_call, otherwise=self._failed)

    def _after_call(self) -> bool:
        self._taken = ""
        separator = self._style.separator
        if separator is None:
            return self._expect(self._style.closing, then=self._gap, otherwise=self._failed)
        if separator.match(self._text) or not separator.may_match(self._text):
            return self._expect(
                separator,
                then=self._header,
                otherwise=lambda: self._expect(self._style.closing, then=self._gap, otherwise=self._failed),
            )
        return False

    def _gap(self) -> bool:
        """Space between two calls belongs to neither, and to no text."""
        self._taken = ""
        self._text = self._text.lstrip()
        if not self._text:
            return False
        self._state = self._anywhere if self._style.anywhere else self._rest
        return True

    def _rest(self) -> bool:
        self._say(self._text)
        self._text = ""
        return False

    def _expect(self, pattern: _Pattern, *, then: Callable[[], bool], otherwise: Callable[[], bool]) -> bool:
        if match := pattern.match(self._text):
            self._taken += match[0]
            self._text, self._state = self._text[match.end() :], then
            return True
        return not pattern.may_match(self._text) and otherwise()

    def _failed(self) -> bool:
        self._say(self._taken)
        self._taken = ""
        self._state = self._anywhere if self._style.anywhere else self._rest
        return True

    def _say(self, text: str) -> None:
        if text:
            self._found.append(Content(text))


class RequiredReader(CallReader):
    """Reads an answer that is nothing but calls: one that was cut before its arguments is a call without any."""

    def end(self) -> list[Found]:
        """The call whose name is known; what comes before a name says nothing to anybody."""
        held = "".join(each.text for each in super().end() if isinstance(each, Content))
        name = _KNOWN_NAME.search(held)
        return [Begin(name[1])] if name and name[1] in self._names else []


class NamedReader:
    """Reads an answer that is nothing but the arguments of one function."""

    def __init__(self, name: str) -> None:
        self._name: str | None = name

    def feed(self, text: str) -> list[Found]:
        """All of it."""
        name, self._name = self._name, None
        begin: list[Found] = [] if name is None else [Begin(name)]
        return [*begin, Arguments(text)] if text else begin

    def end(self) -> list[Found]:
        """Nothing."""
        return []
