"""Characters that a model reads and a person does not see, or sees as others: hidden instructions, disguised words.

Sources: Unicode Technical Reports 36 and 39 (security), N. Boucher et al., "Bad Characters" (2022).
"""

import re
from collections.abc import Iterator

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Span
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.guards.validators.words.folding import LOOKALIKES
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 1_000
REACH = 32
"""How far from a letter the others of its word are looked at."""

# A flag of England and its like is written in tag characters, and is seen.
FLAG = "\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f"
HIDDEN = re.compile(
    f"(?P<flag>{FLAG})"
    "|(?P<tag>[\U000e0000-\U000e007f])"
    "|(?P<bidi>[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])"
    "|(?P<joiner>[\u200c\u200d])"
    "|(?P<zero_width>[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb])"
    "|(?P<selector>(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]|[\U000e0100-\U000e01ef])"
    "|(?P<control>[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f])"
    "|(?P<private>[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd])"
)
FOREIGN = {
    ord(letter): latin
    for other, latin in LOOKALIKES.items()
    for letter in (other, other.upper())
    if len(letter) == 1 and "\u0370" <= letter <= "\u058f"  # Greek, Cyrillic and Armenian
}
DISGUISED = re.compile(f"[{''.join(map(chr, FOREIGN))}]")
LATIN = re.compile("[A-Za-z]")


class InvisibleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``homoglyphs``: whether Greek, Cyrillic and Armenian letters in Latin words count; all else always does."""

    homoglyphs: bool = True


def hidden(text: str) -> Iterator[Span]:
    """Every character that is not seen; nothing takes its place."""
    if text.isascii() and text.isprintable():
        return
    for match in HIDDEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "flag" or (kind == "joiner" and _joins(text, match.start())):
            continue
        yield Span(match.start(), match.end(), kind, "")


def disguised(text: str) -> Iterator[Span]:
    """Every letter in a Latin word that only looks Latin; the Latin one takes its place."""
    if text.isascii():
        return
    for match in DISGUISED.finditer(text):
        letter, place = match[0], match.start()
        if LATIN.search(_word_around(text, place)):
            latin = FOREIGN[ord(letter)]
            yield Span(place, place + 1, "homoglyph", latin.upper() if letter.isupper() else latin)


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands behind what it can join: letters of scripts that have ligatures, pictures."""
    before = text[place - 1 : place]
    return before > "\u05ff" and not "\u1e00" <= before <= "\u203b"


def _word_around(text: str, place: int) -> str:
    start, end = place, place + 1
    while start > max(place - REACH, 0) and text[start - 1].isalpha():
        start -= 1
    while end < min(place + REACH, len(text)) and text[end].isalpha():
        end += 1
    return text[start:end]


def _build(settings: InvisibleSettings, _tools: GuardTools) -> Guard:
    def find(text: str) -> list[Span]:
        return [*hidden(text), *(disguised(text) if settings.homoglyphs else ())]

    return Judged(masking(find, "it holds characters that are not seen, or seen as others"), REACH, AT_ONCE)


plugin = GuardPlugin(InvisibleSettings, _build)
