"""``forebay password`` as a shell sees it."""

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from forebay.cli.password import password


def test_a_password_from_a_pipe_becomes_its_hash() -> None:
    result = CliRunner().invoke(password, input="correct horse battery\n")
    assert result.exit_code == 0
    assert PasswordHasher().verify(result.stdout.strip(), "correct horse battery")


def test_a_made_one_is_shown_beside_its_hash() -> None:
    result = CliRunner().invoke(password, ["--generate"])
    text = result.stderr.splitlines()[0]
    assert PasswordHasher().verify(result.stdout.strip(), text)


@pytest.mark.parametrize("given", ["", "short\n"])
def test_one_that_is_too_short_is_refused(given: str) -> None:
    result = CliRunner().invoke(password, input=given)
    assert result.exit_code == 1
    assert "characters" in result.stderr
