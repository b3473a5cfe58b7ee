"""The parts of a text that are judged one by one: an attack may be all of it, a line in a document, or encoded."""

import base64
import binascii
import re
from collections.abc import Iterator

WHOLE = 3_000
SHORT = 1_100
WINDOW = 600
STEP = 400
MAX_DECODED = 4
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{24,4000}={0,2}")
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2} ?){16,2000}")
MOSTLY = 0.9


def views(text: str) -> Iterator[str]:
    """The beginning of ``text``, windows of it if it is long, and what stands in it in base64 or hexadecimal."""
    plain = ENCODED.sub(_without_noise, text)
    yield plain[:WHOLE]
    if len(plain) > SHORT:
        for start in range(0, len(plain) - WINDOW + STEP, STEP):
            yield plain[start : start + WINDOW]
    yield from decoded(text)


def decoded(text: str) -> Iterator[str]:
    """The first `MAX_DECODED` readable texts that are encoded in ``text``."""
    found = 0
    for pattern, decode in ((ENCODED, _base64), (HEXADECIMAL, _hexadecimal)):
        for match in pattern.finditer(text):
            plain = decode(match[0])
            if plain:
                yield plain
                found += 1
            if found == MAX_DECODED:
                return


def _without_noise(match: re.Match[str]) -> str:
    """A long word as it is; nothing for what mixes digits and both cases, as data does, whose letters tell nothing."""
    run = match[0]
    return " " if not run.islower() and not run.isupper() and any(map(str.isdigit, run)) else run


def _base64(encoded: str) -> str:
    unpadded = encoded.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return _readable(base64.b64decode(unpadded + "=" * (-len(unpadded) % 4)))
    except binascii.Error:
        return ""


def _hexadecimal(encoded: str) -> str:
    try:
        return _readable(bytes.fromhex(encoded))
    except ValueError:
        return ""


def _readable(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    return text if sum(each.isalpha() or each == " " for each in text) > MOSTLY * len(text) else ""
