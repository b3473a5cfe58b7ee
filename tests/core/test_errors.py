"""The error tree as it goes over the wire."""

import json

import pytest

from forebay.core import errors

TREE = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, errors.ForebayError) and each is not errors.ForebayError
]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_openai_s_four_keys_and_a_status(kind: type[errors.ForebayError]) -> None:
    error = kind("What is wrong.")
    assert 400 <= error.status <= 504
    assert set(json.loads(error.body())["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("kind", TREE)
def test_the_drawn_tree_is_the_real_one(kind: type[errors.ForebayError]) -> None:
    (line,) = [line for line in (errors.__doc__ or "").splitlines() if f" {kind.__name__} " in f"{line} "]
    assert str(kind.status) in line
    assert kind.default_code is None or kind.default_code in line


def test_authentication_errors_challenge_the_client() -> None:
    assert errors.AuthenticationError("Who?").headers == {"www-authenticate": 'Bearer error="invalid_token"'}
