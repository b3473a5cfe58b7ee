"""What a file may say about issuers, and what it must not."""

import pytest

from forebay.settings import SettingsError, load

GOOD = """
auth:
  issuers:
    - issuer: https://issuer.example/
      audience: [https://forebay.example]
      jwks_uri: https://issuer.example/jwks.json
"""

NAMELESS = """
auth:
  issuers:
    - issuer: http://issuer.example/
      audience: [https://forebay.example]
"""

TWICE = """jwks_uri: https://issuer.example/a
    - issuer: https://issuer.example/
      audience: [x]
      jwks_uri: https://issuer.example/b"""


def test_an_issuer_is_read() -> None:
    (issuer,) = load(GOOD, source="test", environ={}).auth.issuers
    assert issuer.algorithms == ("RS256",)


def test_an_issuer_whose_name_is_an_address_tells_where_its_keys_are() -> None:
    (issuer,) = load(NAMELESS.replace("http:", "https:"), source="test", environ={}).auth.issuers
    assert issuer.jwks_uri is None
    assert issuer.has_keys


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("jwks_uri: https", "jwks_uri: http", "must match"),
        (GOOD, NAMELESS, "needs a 'jwks_uri'"),
        ("[https://forebay.example]", "[]", "at least 1"),
        ("jwks_uri:", "algorithms: [none]\n      jwks_uri:", "none"),
        ("jwks_uri:", "algorithms: [RS256, HS256]\n      jwks_uri:", "go together"),
        ("jwks_uri:", "algorithms: [HS256]\n      secret: short\n      jwks_uri:", "at least 32"),
        (
            "jwks_uri: https://issuer.example/jwks.json",
            TWICE,
            "the same as",
        ),
    ],
)
def test_what_would_let_the_wrong_ones_in_is_refused(old: str, new: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(GOOD.replace(old, new), source="test", environ={})
