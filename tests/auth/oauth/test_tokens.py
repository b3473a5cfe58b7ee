"""What is remembered of tokens, for how long; and opaque ones, which the issuer is asked about."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from forebay.auth.oauth import opaque
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


async def test_a_refused_opaque_token_is_not_asked_about_again_soon(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = Introspected({"active": False})
    known = Tokens([OPAQUE], keys.fetch, issuer.post)
    for _ in range(50):
        with pytest.raises(InvalidTokenError, match="not active"):
            await known.verify("opaque")
    assert len(issuer.asked) == 1
    monkeypatch.setattr(opaque, "MOST_REFUSED", 5)
    for number in range(20):
        with pytest.raises(InvalidTokenError):
            await known.verify(f"opaque {number}")
    assert len(known._opaque._refused) == 5
    later = time.monotonic() + 11
    monkeypatch.setattr(time, "monotonic", lambda: later)
    issuer.answer = {"active": True, "sub": "alice"}
    assert (await known.verify("opaque 19")).name == "alice"


async def test_where_nobody_can_be_asked_nothing_is_remembered_of_opaque_tokens(keys: Keys) -> None:
    known = Tokens([SETTINGS], keys.fetch, Introspected({}).post)
    for number in range(3):
        with pytest.raises(InvalidTokenError, match="no token of a known issuer"):
            await known.verify(f"opaque {number}")
    assert not known._opaque._refused


async def test_many_with_one_opaque_token_ask_once_and_many_tokens_not_all_at_once(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = asyncio.Event()
    asked: list[bytes] = []

    async def post(_url: str, _headers: Mapping[str, str], body: bytes) -> bytes:
        asked.append(body)
        await answered.wait()
        return b'{"active": true, "sub": "alice"}'

    monkeypatch.setattr(opaque, "MOST_AT_ONCE", 3)
    known = Tokens([OPAQUE], keys.fetch, post)
    gone = asyncio.create_task(known.verify("one"))
    waiting = [asyncio.create_task(known.verify(text)) for text in ("one", "one", "two", "three")]
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(UnavailableError, match="Too many"):
        await known.verify("four")
    answered.set()
    assert {each.name for each in await asyncio.gather(*waiting)} == {"alice"}
    assert len(asked) == 3
    assert not known._opaque._flights
    answered.clear()
    ending = asyncio.create_task(known.verify("five"))
    await asyncio.sleep(0)
    await known.close()
    with pytest.raises(asyncio.CancelledError):
        await ending


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
