"""Amounts of money: counted in pico-dollars, written in dollars, never rounded."""

import re
from decimal import Decimal
from typing import Final

PICO: Final = 10**12
"""A dollar has so many pico-dollars."""

_MILLION = 10**6
_PLACES = 12
_MOST = 10_000
MOST_DOLLARS: Final = 1_000_000
_AMOUNT = re.compile(r"\d{1,5}(?:\.\d{1,12})?", re.ASCII)
_DOLLARS = re.compile(r"\d{1,7}(?:\.\d{1,12})?", re.ASCII)


def dollars(amount: int) -> str:
    """``amount`` pico-dollars (at least 0) as a decimal number of dollars, exactly: ``0.0001275``."""
    whole, rest = divmod(amount, PICO)
    return f"{whole}.{rest:0{_PLACES}d}".rstrip("0").rstrip(".")


def pico(text: str) -> int | None:
    """The pico-dollars that ``text`` dollars are, ``None`` where it means none.

    That is any number from 0 to a million with at most twelve decimal places.
    """
    if not _DOLLARS.fullmatch(text):
        return None
    amount = Decimal(text)
    return int(amount * PICO) if amount <= MOST_DOLLARS else None


def per_token(text: str) -> int | None:
    """The pico-dollars for one token that ``text`` dollars for a million mean, ``None`` where it means none.

    That is any number from 0 to 10,000 with at most six decimal places.
    """
    if not _AMOUNT.fullmatch(text):
        return None
    amount = Decimal(text)
    each = amount * (PICO // _MILLION)
    return int(each) if amount <= _MOST and each == int(each) else None
