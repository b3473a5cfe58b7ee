"""What is wrong with a body is told by field, in plain words."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError


class Inner(msgspec.Struct):
    """Something nested."""

    name: str


class Body(msgspec.Struct):
    """A body with one of each."""

    model: str
    stream: bool | None = None
    inner: list[Inner] = []
    top: float = 1.0


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        (b"{}", "model", "Missing required parameter: 'model'."),
        (b'{"model": 5}', "model", "expected a string, but got an integer"),
        (b'{"model": "m", "stream": "yes"}', "stream", "expected a boolean or null, but got a string"),
        (b'{"model": "m", "inner": [{}]}', "inner[0].name", "Missing required parameter"),
        (b'{"model": "m", "top": null}', "top", "expected a number, but got null"),
        (b"[]", None, "of the body: expected an object, but got an array"),
        (b"", None, "not valid JSON"),
        (b'{"model": "m"', None, "not valid JSON"),
        (b'{"model": "\xff"}', None, "not valid UTF-8 (byte 11)"),
        (b'{"x": ' + b"[" * 100_000, None, "not valid JSON"),
    ],
)
def test_errors_name_the_field_and_the_remedy(body: bytes, param: str | None, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        decode(body, Body)
    assert caught.value.param == param
    assert words in caught.value.message


def test_unknown_fields_are_left_alone() -> None:
    assert decode(b'{"model": "m", "top_k": 3}', Body) == Body("m")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_body_or_an_invalid_request(data: bytes) -> None:
    with contextlib.suppress(InvalidRequestError):
        assert isinstance(decode(data, Body), Body)
