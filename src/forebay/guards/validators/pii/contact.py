"""Where a person is reached: e-mail, phone, web."""

from collections.abc import Iterator

from forebay.guards.validators.pii.form import Form

MIN_PHONE, MAX_PHONE = 7, 15  # ITU-T E.164 ends at 15 digits
EXTENSION_DIGITS = 6
CURRENCY = frozenset("$€£#_")
BETWEEN = frozenset(".-/ ")
AFTER = frozenset(".-/")
TRAILING = ".,;:!?)]}*_'\"…"
LETTERS = r"A-Za-z0-9\x{A1}-\x{10FFFF}"


def _emails(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """RFC 5321's mailbox, without quoted local parts and address literals."""
    while text[end - 1] in ".-":
        end -= 1
    at = text.index("@", start)
    while start < at and text[start] in ".'-":
        start += 1
    name, _, top = text[at + 1 : end].rpartition(".")
    if start < at and name and len(top) > 1 and not any(each.isdigit() for each in top) and ".." not in name:
        yield start, end


def _urls(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end > start and text[end - 1] in TRAILING:
        end -= 1
    yield start, end


def _phones(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A number that is no part of a longer one, nor of a date, a version or a sum."""
    start, end = _unbracketed(text, start, end)
    digits = sum(each.isdecimal() for each in text[start:end])
    if MIN_PHONE <= digits <= MAX_PHONE + EXTENSION_DIGITS and not _goes_on(text, start, end):
        yield start, end


def _unbracketed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without a bracket that is closed or opened outside."""
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    if closed > opened and text[end - 1] == ")":
        return start, end - 1
    if opened > closed and text[start] == "(":
        return start + 1, end
    return start, end


def _goes_on(text: str, start: int, end: int) -> bool:
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if before[-1:].isalnum() or before[-1:] in CURRENCY or after[:1].isalnum():
        return True
    return (before[-1:] in BETWEEN and before[:-1].isdecimal()) or (after[:1] in AFTER and after[1:].isdecimal())


EMAIL = Form(rf"[{LETTERS}._%+'-]{{1,64}}@[{LETTERS}.-]{{2,120}}", 186, _emails)
URL = Form(r"(?i)\b(?:https?://|ftp://|www\.)[^\s<>\"'`\\^{|}]{3,400}", 410, _urls)

EXTENSION = r"(?: ?(?:x|ext\.?|extension) ?[0-9]{1,6})?"
# The North American plan: an area and an exchange that begin with 2 to 9.
NANP = Form(
    r"((?:(?:\+?1|001)[-. ]?)?(?:\([2-9][0-9]{2}\)[-. ]?|[2-9][0-9]{2}[-. ]?)[2-9][0-9]{2}[-. ]?[0-9]{4}"
    rf"{EXTENSION})",
    38,
    _phones,
)
# With a country's code: +44 20 7946 0958, 0049 (0)30 901820.
INTERNATIONAL = Form(
    rf"((?:\+|\b00)[1-9][0-9]{{0,2}}(?:[-. /]{{0,2}}\(?[0-9]{{1,5}}\)?){{2,7}}{EXTENSION})", 85, _phones
)
# As written at home: 030 901820, 06 12 34 56 78, (01632) 960 983, and in one piece 0612345678.
NATIONAL = Form(
    r"(\(?\b0[1-9][0-9]{0,4}(?:\)[-. /]?|[-. /])[0-9]{2,8}(?:[-. ][0-9]{2,5}){0,4}"
    rf"{EXTENSION}|\b0[1-9][0-9]{{7,9}}\b)",
    60,
    _phones,
)
# Any number that is called one.
NAMED_PHONE = Form(
    r"(?i)\b(?:phone|telephone|tel|mobile|cell|fax|call(?: (?:me|us|him|her|them))?|whatsapp|sms|text me|dial)"
    r"(?: (?:number|no\.?|nr\.?))?(?: (?:is|at|on|to))?[ :.=]{1,3}"
    r"(\(?[0-9]{2,5}\)?(?:[-. /]?\(?[0-9]{1,5}\)?){1,5}" + EXTENSION + ")",
    65,
    _phones,
)
