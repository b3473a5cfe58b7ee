"""Regular expressions whose time is linear in the text, whoever wrote them: RE2's, never Python's.

Source: R. Cox, "Regular Expression Matching in the Wild" (2010); google-re2. One pass over the text says which of all
the patterns occur at all; only those are then looked for one by one.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import re2

MEMORY_BYTES = 64 << 20
"""What RE2 may use for a set of patterns: with less it would work, slower, through smaller caches."""

SURROGATE = re.compile("[\ud800-\udfff]")
UNKNOWN = "\ufffd"


class Match:
    """Where a pattern matched, in characters: ``start`` and ``end`` of its first group if it has one."""

    __slots__ = ("end", "group", "start")

    def __init__(self, start: int, end: int, group: str) -> None:
        self.start = start
        self.end = end
        self.group = group


class PatternError(ValueError):
    """A pattern that RE2 does not know; the message says which one and why."""


class Patterns:
    """Many patterns at once.

    Raises:
        PatternError: RE2 does not know one of them.
    """

    def __init__(self, patterns: Sequence[str], *, ignore_case: bool = False) -> None:
        options = _options(ignore_case=ignore_case)
        self._patterns = [_compiled(each, options) for each in patterns]
        self._set = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        self._always = self._set.Add("")
        self._set.Compile()

    def present(self, text: str) -> list[int]:
        """The numbers of the patterns that occur in ``text``, in order.

        Raises:
            RuntimeError: RE2 gave up; without this a text would pass unread.
        """
        return self._present(_bytes(text))

    def find(self, text: str) -> Iterator[tuple[int, Match]]:
        """Every match, pattern by pattern, each from left to right without overlaps."""
        encoded = _bytes(text)
        present = self._present(encoded)
        for number in present:
            at = _characters(encoded, len(text))
            for found in self._patterns[number].finditer(encoded):
                start, end = found.span(found.re.groups and 1)
                first, last = at(start), at(end)
                yield number, Match(first, last, text[first:last])

    def _present(self, encoded: bytes) -> list[int]:
        present = self._set.Match(encoded)
        if not present or self._always not in present:
            raise RuntimeError("re2 ran out of memory")
        return sorted(set(present) - {self._always})


def _options(*, ignore_case: bool) -> "re2.Options":
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    options.max_mem = MEMORY_BYTES
    return options


def _compiled(pattern: str, options: "re2.Options") -> "re2._Regexp":
    try:
        return re2.compile(pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise PatternError(f"'{pattern}' is no pattern that RE2 knows: {reason}") from error


def _bytes(text: str) -> bytes:
    """UTF-8; a surrogate without its pair becomes the character that stands for unknown ones, and offsets stay."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return SURROGATE.sub(UNKNOWN, text).encode()


def _characters(encoded: bytes, length: int) -> Callable[[int], int]:
    """From an offset in ``encoded`` to one in the text of ``length`` characters; asked in rising order."""
    if len(encoded) == length:
        return lambda offset: offset
    last_byte, last_character = 0, 0

    def at(offset: int) -> int:
        nonlocal last_byte, last_character
        last_character += len(encoded[last_byte:offset].decode())
        last_byte = offset
        return last_character

    return at
