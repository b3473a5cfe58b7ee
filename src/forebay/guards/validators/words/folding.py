"""A text as a reader sees it, in one spelling: without case, accents, invisible characters and look-alikes.

Sources: Unicode Standard Annex 15 (NFKD) and chapter 3.13 (case folding); the look-alikes are those letters of Unicode
Technical Standard 39's confusables that fonts draw as a Latin letter.
"""

import unicodedata
from collections.abc import Mapping

LOOKALIKES: Mapping[str, str] = {
    other: latin
    for latin, others in {
        "a": "аɑαⲁ∂", "b": "ьʙв", "c": "сϲⅽᴄ", "d": "ԁɗժ", "e": "еєҽεё℮", "f": "ғſƒ", "g": "ɡԍց",
        "h": "һнհ", "i": "іıιӏɩ", "j": "јϳ", "k": "кκᴋ", "l": "ӏłⅼ", "m": "мᴍⅿ", "n": "пոηɴ", "o": "оοօσөᴏ",
        "p": "рρ", "q": "ԛգ", "r": "гᴦʀ", "s": "ѕꜱʂ", "t": "тτᴛ", "u": "υսцʋᴜ", "v": "νѵᴠ", "w": "ԝшωѡᴡ",
        "x": "хχ", "y": "уүγʏ", "z": "ᴢʐ",
    }.items()
    for other in others
}  # fmt: skip
"""Latin letters by the letters, folded already, that look like them."""

LEET: Mapping[str, str] = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"}
"""Letters by the digits and signs that are written in their place."""

IGNORED = frozenset({"Mn", "Me", "Cf"})
MAX_IGNORED = 8
"""How many accents and invisible characters in a row are read over; what stands behind more is another word."""


class Folding:
    """How characters are folded; ``more`` are replacements beyond those that Unicode and eyes know."""

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        self._more = more or {}
        self._known: dict[str, str] = {}

    def word(self, text: str) -> str:
        """``text`` folded."""
        return self.fold(text)[0]

    def fold(self, text: str) -> tuple[str, list[int] | None]:
        """``text`` folded, and for each character of it where it came from; ``None`` where nothing moved."""
        if text.isascii() and not self._more:
            return text.lower(), None
        return self._folded(text)

    def _folded(self, text: str) -> tuple[str, list[int]]:
        parts: list[str] = []
        places: list[int] = []
        ignored = 0
        for place, character in enumerate(text):
            part = self._part(character)
            ignored = 0 if part else ignored + 1
            if ignored > MAX_IGNORED:
                part, ignored = character, 0
            parts.append(part)
            places.extend([place] * len(part))
        return "".join(parts), places

    def _part(self, character: str) -> str:
        known = self._known.get(character)
        if known is None:
            known = self._known[character] = self._fold_one(character)
        return known

    def _fold_one(self, character: str) -> str:
        """At most 18 characters; there are 1.1 million to know, and texts use few of them."""
        decomposed = unicodedata.normalize("NFKD", character).casefold()
        kept = (each for each in decomposed if unicodedata.category(each) not in IGNORED)
        return "".join(self._more.get(each, LOOKALIKES.get(each, each)) for each in kept)
