"""Placeholders belong to one request, and are never what a user typed."""

import re

from hypothesis import given
from hypothesis import strategies as st

from forebay.core.types import Principal
from forebay.gateway.guarding.vault import Vault, from_json, in_json

ALICE, BOB = Principal("alice", "one"), Principal("bob", "two")


def test_the_same_value_has_the_same_placeholder() -> None:
    vault = Vault(ALICE, "")
    first = vault.placeholder("e-mail address", "a@b.c")
    assert re.fullmatch(r"\[EMAILADDRESS-1-[A-Z2-7]{6}\]", first)
    assert vault.placeholder("e-mail address", "a@b.c") == first
    assert vault.placeholder("e-mail address", "b@b.c") != first
    assert vault.placeholder("", "x").startswith("[TEXT-1-")


def test_equal_requests_are_equal_to_a_cache_and_tenants_are_not() -> None:
    assert Vault(ALICE, "x").placeholder("a", "1") == Vault(ALICE, "y").placeholder("a", "2")
    assert Vault(ALICE, "").placeholder("a", "1") != Vault(BOB, "").placeholder("a", "1")


def test_what_a_user_typed_is_no_placeholder() -> None:
    known = Vault(ALICE, "").placeholder("a", "1")
    for typed in (known, known.lower(), f"x{known[5:-1]}x"):
        assert Vault(ALICE, typed).placeholder("a", "1") != known


async def test_another_request_s_placeholder_stays_as_it_is() -> None:
    one, other = Vault(ALICE, ""), Vault(BOB, "")
    theirs = other.placeholder("a", "their value")
    one.placeholder("a", "my value")
    assert await one.restoring(str).end(f"say {theirs}") == f"say {theirs}"


@given(st.text())
def test_values_are_what_they_were_in_json(value: str) -> None:
    assert from_json(in_json(value)) == value


def test_what_is_no_json_is_kept() -> None:
    assert from_json('a"b') == 'a"b'
