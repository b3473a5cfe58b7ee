"""How often keys are fetched, and what happens when they cannot be."""

import asyncio
from typing import Any

import pytest

from forebay.auth.oauth import fetched, jwks
from forebay.auth.oauth.jwks import KeySet
from forebay.core.errors import UnavailableError
from tests.support.issuing import JWKS, Keys


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


async def where() -> str:
    return JWKS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(jwks, "time", made)
    monkeypatch.setattr(fetched, "time", made)
    return made


@pytest.fixture(scope="module")
def issuer() -> Keys:
    return Keys()


@pytest.fixture
def keys(issuer: Keys) -> Keys:
    issuer.fetched.clear()
    issuer.away = False
    return issuer


async def test_many_at_once_are_one_fetch_and_one_that_leaves_ends_it_for_nobody(keys: Keys) -> None:
    go = asyncio.Event()

    async def slow(url: str) -> bytes:
        await go.wait()
        return await keys.fetch(url)

    known = KeySet(where, slow)
    asking = [asyncio.create_task(known.key("k1", "RS256")) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    go.set()
    assert all(await asyncio.gather(*asking[1:]))
    assert len(keys.fetched) == 1


async def test_fifty_unknown_ids_are_at_most_one_fetch(keys: Keys, clock: Clock) -> None:
    known = KeySet(where, keys.fetch)
    assert await known.key("k1", "RS256")
    clock.now += fetched.COOL_DOWN + 1
    keys.fetched.clear()
    for number in range(50):
        assert await known.key(f"no{number}", "RS256") is None
    assert len(keys.fetched) == 1
    clock.now += fetched.COOL_DOWN + 1
    assert await known.key("no7", "RS256") is None
    assert len(keys.fetched) == 1
    for number in range(2 * jwks.MOST_UNKNOWN):
        await known.key(f"other{number}", "RS256")
    assert len(known._unknown) == jwks.MOST_UNKNOWN


async def test_a_new_key_is_found_when_it_is_first_used(clock: Clock) -> None:
    keys = Keys()
    rotated, keys.published = keys.published, []
    known = KeySet(where, keys.fetch)
    assert await known.key("k1", "RS256") is None
    keys.published = rotated
    clock.now += jwks.UNKNOWN_SECONDS + 1
    assert await known.key("k1", "RS256")


async def test_keys_are_fetched_anew_when_they_are_old_and_go_on_while_they_cannot_be(keys: Keys, clock: Clock) -> None:
    known = KeySet(where, keys.fetch)
    assert await known.key("k1", "RS256")
    clock.now += fetched.TTL + 1
    keys.away = True
    assert await known.key("k1", "RS256")
    assert await known.key("k1", "RS256")
    assert len(keys.fetched) == 2
    clock.now += fetched.STALE
    with pytest.raises(UnavailableError):
        await known.key("k1", "RS256")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", b'{"keys": [7, null, {}]}'])
async def test_a_document_that_is_none_has_no_keys(body: bytes) -> None:
    async def fetch(_url: str) -> bytes:
        return body

    known = KeySet(where, fetch)
    try:
        found: Any = await known.key("k1", "RS256")
    except UnavailableError:
        found = None
    assert found is None
