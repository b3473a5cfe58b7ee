"""What a kind of personal data looks like, and how to tell it from what only looks like it."""

from collections.abc import Callable, Iterator

import msgspec

Within = Callable[[str, int, int], Iterator[tuple[int, int]]]
"""From a text and the two ends of a candidate to the places inside it that are what is looked for."""


class Form(msgspec.Struct, frozen=True):
    """A ``pattern`` for candidates (RE2's syntax), at most ``length`` characters long, and what to keep of each."""

    pattern: str
    length: int
    within: Within


def alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit touches the place."""
    return not (start and text[start - 1].isalnum()) and not (end < len(text) and text[end].isalnum())
