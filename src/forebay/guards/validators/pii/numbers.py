"""Numbers with a checksum or an allotted range: payment cards, bank accounts, social security."""

from collections.abc import Iterator

from forebay.guards.validators.pii.form import Form, alone

ASCII_DIGITS = frozenset("0123456789")
MIN_CARD, MAX_CARD = 12, 19
CARD_BEGINS = frozenset(f"{each:02}" for each in (6, 18, *range(21, 28), 30, *range(34, 68), 81))
"""The first two digits of all cards that `is_issued` knows; whatever begins otherwise need not be looked at."""
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""Characters of an IBAN by country. Source: SWIFT, IBAN Registry, release 99."""


def is_luhn(digits: str) -> bool:
    """Whether the last of ``digits`` is right for the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) << (place & 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004  # the sum of its two digits
    return total % 10 == 0


def is_issued(digits: str) -> bool:
    """Whether a network issues cards with these first digits in this length."""
    two, four, length = int(digits[:2]), int(digits[:4]), len(digits)
    return (
        (digits[0] == "4" and length in {13, 16, 19})  # Visa
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)  # Mastercard  # noqa: PLR2004
        or (two in {34, 37} and length == 15)  # American Express  # noqa: PLR2004
        or ((four == 6011 or two == 65 or 644 <= four // 10 <= 649) and length >= 16)  # Discover  # noqa: PLR2004
        or (two == 35 and length >= 16)  # JCB  # noqa: PLR2004
        or ((300 <= four // 10 <= 305 or two in {36, 38, 39}) and length >= 14)  # Diners Club  # noqa: PLR2004
        or (two in {62, 81} and length >= 16)  # UnionPay  # noqa: PLR2004
        or two in {50, 56, 57, 58, 63, 67}  # Maestro
        or digits[:4] == "0604"  # Maestro of old
        or (four in {1800, 2131} and length == 15)  # JCB of old  # noqa: PLR2004
    )


def _cards(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Of a run of digits and separators the groups that are a card, the longest at each place."""
    places = [place for place in range(start, end) if text[place] in ASCII_DIGITS]
    digits = "".join(text[place] for place in places)
    first = 0
    while first + MIN_CARD <= len(places):
        possible = digits[first : first + 2] in CARD_BEGINS and _alone_on_left(text, places[first])
        last = _card_end(text, places, digits, first) if possible else 0
        if last:
            yield places[first], places[last - 1] + 1
        first = last or first + 1


def _card_end(text: str, places: list[int], digits: str, first: int) -> int:
    for last in range(min(first + MAX_CARD, len(places)), first + MIN_CARD - 1, -1):
        number = digits[first:last]
        if is_issued(number) and is_luhn(number) and alone(text, places[first], places[last - 1] + 1):
            return last
    return 0


def _alone_on_left(text: str, place: int) -> bool:
    """Whether no letter or digit stands before ``place``."""
    return not (place and text[place - 1].isalnum())


def _ibans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    length = IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    places = [place for place in range(start, end) if text[place].isalnum()][:length]
    if length and len(places) == length and alone(text, start, places[-1] + 1):
        account = "".join(text[place] for place in places)
        if int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97 == 1:
            yield start, places[-1] + 1


def _ssns(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    digits = "".join(each for each in text[start:end] if each in ASCII_DIGITS)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    possible = area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000"
    if possible and alone(text, start, end):
        yield start, end


# A card's groups are parted by one space, hyphen or dot. Runs are looked at in pieces of at most 61 digits, far longer
# than a card, because one may follow other numbers; whoever writes sixty digits in a row hides the next card.
CARD = Form(r"\b[0-9](?:[ .\x{A0}-]?[0-9]){11,60}", 2 * MAX_CARD, _cards)
# ISO 13616-1; a checksum over ISO 7064's MOD 97-10.
IBAN = Form(r"\b([A-Za-z]{2}[0-9]{2}(?:[ \x{A0}-]?[A-Za-z0-9]){11,30})", 64, _ibans)
# Social Security Administration, "Social Security Number Randomization" (2011): what was never issued.
SSN = Form(r"\b([0-9]{3}(?:-[0-9]{2}-| [0-9]{2} )[0-9]{4})\b", 11, _ssns)
NAMED_SSN = Form(
    r"(?i)\b(?:ssn|social security(?: (?:number|no\.?|nr\.?|#))?)(?: is| of)?[ :#=]{1,3}([0-9]{9})\b", 9, _ssns
)
