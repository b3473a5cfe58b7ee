"""Takes out of a text what nobody sees and a tokenizer does: the cheapest attacks on a watermark.

Source: Unicode's confusables (UTS 39), of which those that are drawn like a letter of the Latin alphabet.
"""

import unicodedata
from typing import Final

_LATIN: Final = "AaBCcEeHIiJjKkMNOoPpSsTXxYyVvwZd"
_CONFUSABLE: Final = {
    **dict(zip("АаВСсЕеНІіЈјКкМNОоРрЅѕТХхҮуѴѵԝZԁ", _LATIN, strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟοΡΤΥΧν", "ABEZHIKMNOoPTYXv", strict=True)),
}
_SPACES: Final = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_UNSEEN: Final = "\u00ad\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff"
_JOINERS: Final = "\u200c\u200d"  # Persian, Hindi and emoji need them.
_ISOLATES: Final = "\u2066\u2067\u2068\u2069"

_ALWAYS: Final = str.maketrans({**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_UNSEEN + _ISOLATES, "")})
_IN_LATIN: Final = str.maketrans({**_CONFUSABLE, **dict.fromkeys(_JOINERS, "")})
_SAMPLE: Final = 20_000


def normalised(text: str) -> str:
    """``text`` composed (NFC), without invisible characters, with plain spaces, and in one alphabet if it is Latin."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFC", text).translate(_ALWAYS)
    if not _is_latin(plain):
        return plain
    return "".join(map(_lettered, plain.translate(_IN_LATIN)))


def _is_latin(text: str) -> bool:
    """Whether most of its letters are of the Latin alphabet, those that only look so left aside."""
    letters = [each for each in text[:_SAMPLE] if each.isalpha()]
    return 2 * sum(each < "\u0250" for each in letters) > len(letters)


def _lettered(character: str) -> str:
    """A letter in fullwidth or mathematical dress without it."""
    if "\uff01" <= character <= "\uff5e" or "\U0001d400" <= character <= "\U0001d7ff":
        return unicodedata.normalize("NFKC", character)
    return character
