"""Reads the yes or no of a model that was asked to judge."""

import re
from typing import Final

_WORD: Final = re.compile(r"\A\W*(yes|no)\b", re.IGNORECASE)
_THOUGHT: Final = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


def says_yes(answer: str) -> bool:
    """Whether ``answer``, after what it may have thought aloud, begins with yes.

    Raises:
        ValueError: it begins with neither yes nor no.
    """
    said = _WORD.match(_THOUGHT.sub("", answer))
    if said is None:
        raise ValueError("the judge answered neither yes nor no")
    return said[1].lower() == "yes"
