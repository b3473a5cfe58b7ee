"""Placeholders belong to one request, and are never what a user typed."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.types import Principal
from forebay.gateway.guarding.vault import Vault, from_json, in_json

ALICE, BOB = Principal("alice", "one"), Principal("bob", "two")


def test_the_same_value_has_the_same_placeholder() -> None:
    vault = Vault(ALICE, "")
    first = vault.placeholder("e-mail address", "a@b.c")
    assert re.fullmatch(r"\[EMAILADDRESS-1-[A-Z2-7]{8}\]", first)
    assert vault.placeholder("e-mail address", "a@b.c") == first
    assert vault.placeholder("e-mail address", "b@b.c") != first
    assert vault.placeholder("", "x").startswith("[TEXT-1-")


def test_equal_requests_are_equal_to_a_cache_and_tenants_are_not() -> None:
    assert Vault(ALICE, "x").placeholder("a", "1") == Vault(ALICE, "x").placeholder("a", "1")
    assert Vault(ALICE, "").placeholder("a", "1") != Vault(BOB, "").placeholder("a", "1")


def test_what_a_user_typed_is_no_placeholder(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = map(base64.b32decode, ("AAAAAAAA", "BBBBBBBB"))
    monkeypatch.setattr("hmac.HMAC.digest", lambda _self: next(digests))
    assert Vault(ALICE, "xaaaaaaaax").placeholder("a", "1") == "[A-1-BBBBBBBB]"


def test_no_other_request_tells_the_placeholder() -> None:
    known = {Vault(ALICE, f"text {number}").placeholder("a", "1") for number in range(100)}
    assert len(known) == 100


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
