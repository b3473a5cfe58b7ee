"""Only what was written whole, by this version, is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cache.codec import UnreadableError, decode, encode
from forebay.core.entries import Entry, Question
from forebay.core.types import Usage

ENTRY = Entry(b"{}", 1.0, 2.0, "t", "n", "m", "o", "d", Usage(1, 2), Question(b"s", "text", b"v", "e"))


def test_an_entry_comes_back() -> None:
    assert decode(encode(ENTRY)) == ENTRY


@given(st.integers(0, len(encode(ENTRY)) - 1))
def test_what_is_cut_off_is_not_read(length: int) -> None:
    with pytest.raises(UnreadableError):
        decode(encode(ENTRY)[:length])


@given(st.integers(0, len(encode(ENTRY)) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(encode(ENTRY))
    data[place] ^= change
    with pytest.raises(UnreadableError):
        decode(bytes(data))


@given(st.binary())
def test_rubbish_is_not_read(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        decode(data)
