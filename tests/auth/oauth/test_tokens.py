"""What is remembered of tokens, for how long; and opaque ones, which the issuer is asked about."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from forebay.auth.oauth import tokens as tokens_module
from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.tokens import Tokens
from forebay.core.errors import UnavailableError
from forebay.settings import ClaimSettings, IntrospectionSettings, IssuerSettings, Secret
from tests.support.issuing import AUDIENCE, ISSUER, JWKS, Keys, claims, sign

SETTINGS = IssuerSettings(ISSUER, (AUDIENCE,), jwks_uri=JWKS)
ASKED = "https://issuer.example/introspect"
OPAQUE = msgspec.structs.replace(
    SETTINGS, introspection=IntrospectionSettings(ASKED, "forebay", Secret("a secret: of ours"))
)


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


class Introspected:
    """The issuer's endpoint."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self.asked.append((url, headers, body))
        return self.answer if isinstance(self.answer, bytes) else msgspec.json.encode(self.answer)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moved = [0.0]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + moved[0])
    return moved


async def test_a_verified_token_ends_when_it_says_so_also_for_a_clock_that_was_set_back(
    keys: Keys, clock: list[float]
) -> None:
    known = Tokens([SETTINGS], keys.fetch, Introspected({}).post)
    text = sign(keys.rsa, claims(exp=time.time() + 100))
    assert await known.verify(text) is await known.verify(text)
    clock[0] = 200.0
    with pytest.raises(InvalidTokenError, match="expired"):
        await known.verify(text)
    clock[0] = -3600.0
    with pytest.raises(InvalidTokenError, match="not valid yet"):
        await known.verify(text)


async def test_so_many_tokens_are_remembered_and_no_more(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "REMEMBERED", 5)
    known = Tokens([SETTINGS], keys.fetch, Introspected({}).post)
    for number in range(20):
        await known.verify(sign(keys.rsa, claims(sub=f"u{number}")))
    assert len(known._known) == 5


async def test_of_several_issuers_each_has_its_own_keys(keys: Keys) -> None:
    other = msgspec.structs.replace(SETTINGS, issuer="https://other.example/", jwks_uri="https://other.example/jwks")
    theirs = Keys()

    async def fetch(url: str) -> bytes:
        return await (keys if url == JWKS else theirs).fetch(url)

    known = Tokens([SETTINGS, other], fetch, Introspected({}).post)
    assert await known.verify(sign(keys.rsa, claims()))
    assert await known.verify(sign(theirs.rsa, claims(iss=other.issuer)))
    with pytest.raises(InvalidTokenError, match="signature"):
        await known.verify(sign(theirs.rsa, claims()))


@pytest.mark.parametrize("claim", ["org_id", 'https://x.example/"käse"'])
async def test_the_claim_that_a_token_lacks_is_named(keys: Keys, claim: str) -> None:
    settings = msgspec.structs.replace(SETTINGS, claims=ClaimSettings(tenant=claim))
    known = Tokens([settings], keys.fetch, Introspected({}).post)
    with pytest.raises(InvalidTokenError) as refused:
        await known.verify(sign(keys.rsa, claims()))
    assert f"it has no '{claim}'" in refused.value.message
    told = refused.value.headers["www-authenticate"]
    assert told.isascii()
    assert told.count('"') == 4
    with pytest.raises(InvalidTokenError, match="is no name"):
        await known.verify(sign(keys.rsa, claims(**{claim: 7})))


async def test_an_opaque_token_is_asked_about_once_a_minute(keys: Keys, clock: list[float]) -> None:
    issuer = Introspected({"active": True, "sub": "alice", "scope": "chat"})
    known = Tokens([OPAQUE], keys.fetch, issuer.post)
    for _ in range(3):
        assert (await known.verify("opaque/+=&token")).name == "alice"
    ((url, headers, body),) = issuer.asked
    assert url == ASKED
    assert headers["authorization"] == "Basic Zm9yZWJheTphJTIwc2VjcmV0JTNBJTIwb2YlMjBvdXJz"
    assert parse_qs(body.decode())["token"] == ["opaque/+=&token"]
    clock[0] = 61.0
    await known.verify("opaque/+=&token")
    assert len(issuer.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"active": False},
        {"active": "true", "sub": "a"},
        {},
        [],
        {"active": True, "sub": "a", "aud": "https://other.example"},
        {"active": True, "sub": "a", "iss": "https://other.example"},
        {"active": True, "sub": "a", "exp": 1},
        {"active": True},
    ],
)
async def test_what_is_not_active_or_not_for_us_is_refused(keys: Keys, answer: object) -> None:
    with pytest.raises(InvalidTokenError):
        await Tokens([OPAQUE], keys.fetch, Introspected(answer).post).verify("opaque")


async def test_an_issuer_that_talks_nonsense_is_unavailable(keys: Keys) -> None:
    with pytest.raises(UnavailableError):
        await Tokens([OPAQUE], keys.fetch, Introspected(b"<html>").post).verify("opaque")
