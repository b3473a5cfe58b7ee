"""No log line shows a secret, whoever has written it."""

import io
import logging
import pickle
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.redaction import RedactingFormatter, redacted
from forebay.settings import Secret
from forebay.settings.values import living_secrets

TOKEN = "fb-" + "x" * 43
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


WRITTEN = "abcdef0123456789:/@ %"


@given(st.text(WRITTEN, min_size=6, max_size=40), st.text(WRITTEN, max_size=20), st.text(WRITTEN, max_size=20))
def test_a_secret_of_the_settings(text: str, before: str, after: str) -> None:
    secret = Secret(text)
    shown = redacted(f"{before}{secret.reveal()}{after}")
    assert text not in shown
    assert redacted("no word of it") == "no word of it"


def test_the_password_in_an_address() -> None:
    secret = Secret(f"postgresql://forebay:{quote('p/ss w:rd')}@db/forebay")
    for line in (secret.reveal(), "cannot log in with 'p/ss w:rd'", f"tried {quote('p/ss w:rd', safe='')}"):
        assert "w:rd" not in redacted(line)
        assert "w%3Ard" not in redacted(line)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"headers: {{'authorization': 'Bearer {TOKEN}'}}", "headers: {'authorization': 'Bearer ***'}"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic ***"),
        (f"key {TOKEN} is unknown", "key *** is unknown"),
        (f"token {JWT}", "token ***"),
        ("redis://:hunter22@cache:6379/0 is away", "redis://:***@cache:6379/0 is away"),
        ("POST /token client_secret=hunter22&a=b", "POST /token client_secret=***&a=b"),
        ('{"api_key": "hunter22"}', '{"api_key": "***"}'),
        ("the bearer of this letter", "the bearer of this letter"),
        ("http://127.0.0.1:8080/v1 answers", "http://127.0.0.1:8080/v1 answers"),
    ],
)
def test_what_looks_like_a_credential(line: str, shown: str) -> None:
    assert redacted(line) == shown


def test_tracebacks_and_arguments() -> None:
    secret = Secret("canary-4711")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter("%(message)s"))
    logger = logging.getLogger("tests.library")
    logger.addHandler(handler)
    try:
        int(secret.reveal())
    except ValueError:
        logger.exception("asked with %s", {"key": secret.reveal()})
    finally:
        logger.removeHandler(handler)
    assert "ValueError: invalid literal for int() with base 10: '***'" in stream.getvalue()
    assert "canary" not in stream.getvalue()


def test_a_secret_that_is_gone_is_not_kept() -> None:
    secret: Secret | None = Secret("canary-0815")
    assert "canary-0815" in living_secrets()
    copied = pickle.loads(pickle.dumps(secret))
    secret = None
    assert secret is None
    assert "canary-0815" in living_secrets()
    del copied
    assert "canary-0815" not in living_secrets()
