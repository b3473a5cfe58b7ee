"""What a text says in the codes that attackers use so that filters cannot read it, and models can.

Base64, hexadecimal, binary and decimal numbers, escapes of web pages and programs, and the invisible "tag" characters
are read wherever they stand. Rot13, writing backwards and digits for letters change all of a text, so they are tried on
one that has hardly a common word in it.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

MAX_DECODED = 4
MOSTLY = 0.75
LONGEST = 3_000
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{24,4000}={0,2}")
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2} ?){16,2000}")
BINARY = re.compile(r"(?:[01]{8} ?){8,2000}")
DECIMAL = re.compile(r"(?:(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])[ ,]+){12,2000}")
ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|&#x?[0-9A-Fa-f]{2,5};")
MANY_ESCAPES = 8
ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")
TAGS = re.compile("[\U000e0020-\U000e007e]{8,4000}")
TO_ASCII = {code: code - 0xE0000 for code in range(0xE0020, 0xE007F)}
NUMBERS = re.compile(r"[0-9][0-9a-fA-F ,]{14}|[a-zA-Z][013457@$!]+[a-zA-Z]|\b[013457@$!]+[a-zA-Z]")
"""What no text is without that holds numbers in place of letters."""
LEET = str.maketrans("0134578@$!", "oieastbasi")
LEET_WORD = re.compile(r"\b(?=[A-Za-z]*[013457@$!])(?=[013457@$!]*[A-Za-z])[A-Za-z013457@$!]{3,30}")
WORD = re.compile(r"[^\W\d_]+")
FEW_WORDS = 4
COMMON = frozenset(
    WORD.findall(
        "the a an of to in is it you your that and for on are with as i my me this be have from or by not what how do"
        " at all can will if we he she they was his her its our der die das und ist nicht ein zu den le la les de et"
        " est un une que el los en y es por il di che per non o os da em het van een niet"
    )
)


def decoded(text: str) -> Iterator[str]:
    """At most `MAX_DECODED` readable texts that are encoded in ``text``, and all of it in the simple codes."""
    found = 0
    plain_letters = text.isascii() and NUMBERS.search(text) is None
    for pattern, decode in PARTS[:1] if plain_letters else PARTS:
        for match in pattern.finditer(text):
            plain = decode(match[0])
            if plain and plain != match[0]:
                yield plain
                found += 1
            if found == MAX_DECODED:
                return
    beginning = text[:LONGEST]
    if len(ESCAPED.findall(beginning)) >= MANY_ESCAPES:
        yield _unescaped(beginning)
    if not plain_letters and len(LEET_WORD.findall(beginning)) > 1:
        yield beginning.translate(LEET)
    if _unreadable(beginning):
        yield codecs.encode(beginning, "rot13")
        yield beginning[::-1]


def _unreadable(text: str) -> bool:
    """Whether it has words in Latin letters, and hardly a common one among them."""
    words = WORD.findall(text.lower())
    return len(words) >= FEW_WORDS and text.isascii() and sum(word in COMMON for word in words) * 12 < len(words)


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


def _binary(encoded: str) -> str:
    digits = encoded.replace(" ", "")
    return _readable(bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits), 8)))


def _decimal(encoded: str) -> str:
    return _readable(bytes(map(int, re.findall(r"\d+", encoded))))


def _unescaped(text: str) -> str:
    return html.unescape(unquote(ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)))


def _tags(encoded: str) -> str:
    return encoded.translate(TO_ASCII)


def _readable(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.replace("\n", " ").isprintable() and _letters(text) > MOSTLY * len(text) else ""


def _letters(text: str) -> int:
    return sum(each.isalpha() or each == " " for each in text)


PARTS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (ENCODED, _base64), (HEXADECIMAL, _hexadecimal), (BINARY, _binary), (DECIMAL, _decimal), (TAGS, _tags),
)  # fmt: skip
