"""The parts of a text that are judged one by one: an attack may be all of it, a line in a document, or encoded."""

import re
from collections.abc import Iterator

from forebay.guards.validators.jailbreak.codes import ENCODED, decoded

WHOLE = 3_000
SHORT = 240
WINDOW = 240
STEP = 160


def views(text: str) -> Iterator[str]:
    """The beginning of ``text``, windows of it if it is long, and what stands in it in a code."""
    plain = ENCODED.sub(_without_noise, text)
    yield plain[:WHOLE]
    if len(plain) > SHORT:
        for start in range(0, len(plain) - WINDOW + STEP, STEP):
            yield plain[start : start + WINDOW]
    yield from decoded(text)


def _without_noise(match: re.Match[str]) -> str:
    """A long word as it is; nothing for what mixes digits and both cases, as data does, whose letters tell nothing."""
    run = match[0]
    return " " if not run.islower() and not run.isupper() and any(map(str.isdigit, run)) else run
