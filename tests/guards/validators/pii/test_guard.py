"""Personal data: what is found, what only looks like it, and that a stream may trust the verdict."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action
from forebay.guards.validators.pii.guard import Kind, PiiSettings, plugin
from tests.support.growing import OUTPUT, assert_final, found
from tests.support.guarding import TOOLS


def guard(*kinds: Kind) -> Guard:
    return plugin.build(PiiSettings(kinds or tuple(Kind)), TOOLS)


EVERYTHING = guard()

FOUND = [
    ("email", "bob.o'neill+tag@mail.example.co.uk"),
    ("email", "jürgen@müller.example"),
    ("phone", "+1-555-234-4567"),
    ("phone", "(212) 555-0147"),
    ("phone", "212.555.0147x1234"),
    ("phone", "001-212-555-0147"),
    ("phone", "2125550147"),
    ("phone", "+44 20 7946 0958"),
    ("phone", "+49 (0)30 901820"),
    ("phone", "0049 30 901820"),
    ("phone", "030 901820"),
    ("phone", "06 12 34 56 78"),
    ("phone", "(01632) 960 983"),
    ("card", "4111 1111 1111 1111"),
    ("card", "5555-5555-5555-4444"),
    ("card", "378282246310005"),
    ("card", "6011111111111117"),
    ("card", "3530111333300000"),
    ("card", "30569309025904"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB29NWBK60161331926819"),
    ("iban", "fr1420041010050500013m02606"),
    ("ssn", "536-90-4399"),
    ("ssn", "536 90 4399"),
    ("ip", "203.0.113.7"),
    ("ip", "2001:db8::8a2e:370:7334"),
    ("ip", "fe80::1"),
    ("ip", "::ffff:192.0.2.128"),
    ("url", "https://example.org/a?b=c#d"),
    ("url", "www.example.org"),
]

NOTHING = [
    "4111 1111 1111 1112",  # Luhn
    "9999 9999 9999 9995",  # no network's
    "DE89 3704 0044 0532 0130 01",
    "000-12-3456, 666-12-3456, 912-12-3456, 123-00-4567, 123-45-0000",
    "127.0.0.1 and 0.0.0.0 and ::1",
    "300.1.2.3 or 1.2.3.4.5",
    "std::dec, face::cafe, 12:30:45, a::b",
    "on 2026-11-23 at 12:30, 2024-01-02T10:20:30Z",
    "@decorator and user@localhost",
    "1700000000 seconds, 3.14159265358979, $1,234,567.89",
    "version 1.20.300, 10 000 000 people, 42",
    "f(x) = 100 - 200 - 3000",
    "order 1234-5678-90",
]


@pytest.mark.parametrize(("kind", "what"), FOUND)
@pytest.mark.parametrize("around", ["{}", "Write to {}.", "say ({}), please", "é {}\n", "\ud800 {} \udfff"])
async def test_finds(kind: str, what: str, around: str) -> None:
    assert await found(EVERYTHING, around.format(what)) == [(kind, what)]


@pytest.mark.parametrize("text", NOTHING)
async def test_passes(text: str) -> None:
    assert await found(EVERYTHING, text) == []
    assert await EVERYTHING.check(text, OUTPUT) == PASSED


async def test_believes_a_bare_number_that_is_named() -> None:
    assert await found(EVERYTHING, "my SSN is 536904399") == [("ssn", "536904399")]
    assert await found(EVERYTHING, "call me at 555 0199") == [("phone", "555 0199")]


async def test_finds_all_in_a_row() -> None:
    text = "bob@example.org,536-90-4399,4111111111111111 12 4111 1111 1111 1111"
    assert [kind for kind, _ in await found(EVERYTHING, text)] == ["email", "ssn", "card", "card"]


async def test_masks_only_the_kinds_asked_for() -> None:
    text = "bob@example.org 4111 1111 1111 1111"
    assert await found(guard(Kind.EMAIL), text) == [("email", "bob@example.org")]
    assert await found(guard(Kind.PHONE), text) == []
    assert (await guard(Kind.CARD).check(text, OUTPUT)).action is Action.MASK


def test_refuses_no_kinds_and_unknown_ones() -> None:
    settings: Any
    for settings in ({"kinds": []}, {"kinds": ["name"]}, {"knids": ["email"]}):
        with pytest.raises((ValueError, msgspec.ValidationError)):
            msgspec.convert(settings, PiiSettings)


PIECES = st.sampled_from(
    [what for _, what in FOUND] + NOTHING + [" ", ".", "-", "a", "1", "é", "\ud800", "@", ":", "+"]
)


@given(st.lists(PIECES, max_size=14), st.data())
async def test_a_verdict_is_final_before_the_lookbehind(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    await assert_final(EVERYTHING, text, data.draw(st.lists(st.integers(0, len(text)), max_size=8)))


@pytest.mark.parametrize("unit", ["a", "1", "1 ", "a@b.co ", "1.", ":", "AB12", "4111 ", "+1 ", "\ud800", "é@"])
async def test_takes_long_texts(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    await EVERYTHING.check(text, OUTPUT)
