"""Keys that are issued: known everywhere soon, gone everywhere within a second, and never kept as they are."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from forebay.auth import issued as issued_module
from forebay.auth.issued import IssuedKeys
from forebay.auth.issuing import Issuer, Wish
from forebay.core.errors import AuthenticationError, ConflictError, NotFoundError, UnavailableError
from forebay.core.types import Limits, Principal
from forebay.settings import Secret, StoreSettings
from forebay.store.plugin import SqlStore, build
from tests.support.until import until

PEPPER = b"p" * 32
ROOT = Principal("root", admin=True)


class Place:
    """A store, and any number of processes' views of its keys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path / 'forebay.db'}"
        self.opened: list[SqlStore] = []
        self.issuer = self.make(PEPPER)

    def store(self) -> SqlStore:
        store = build(StoreSettings(Secret(self.url)))
        self.opened.append(store)
        return store

    def make(self, pepper: bytes) -> Issuer:
        store = self.store()
        return Issuer(store.keys, store.admin_log, pepper)

    def kept(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.path.glob("forebay.db*"))

    def keys(self, pepper: bytes = PEPPER) -> IssuedKeys:
        return IssuedKeys(self.store().keys, pepper)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    for store in made.opened:
        await store.close()


def good(keys: IssuedKeys, text: str) -> bool:
    try:
        keys.find(text)
    except AuthenticationError:
        return False
    return True


async def test_a_key_is_its_principal_with_all_that_was_wished(place: Place) -> None:
    limits = Limits(rpm=10, parallel=5)
    wish = Wish("alice", "team", None, ("chat", "admin"), ("m", "m:*"), limits)
    text, key = await place.issuer.create(wish, ROOT)
    keys = place.keys()
    await keys.refresh()
    principal = keys.find(text)
    assert principal == Principal(
        "alice", "team", frozenset({"m", "m:*"}), admin=True, scopes=frozenset({"chat", "admin"}), limits=limits
    )
    assert key.shown == f"{text[:7]}…{text[-4:]}"


async def test_a_revoked_key_stops_on_every_process_within_a_second(place: Place) -> None:
    text, key = await place.issuer.create(Wish("alice"), ROOT)
    processes = [place.keys() for _ in range(3)]
    for process in processes:
        await process.start()
    assert all(good(process, text) for process in processes)
    await place.issuer.revoke(key.id, ROOT)
    revoked = time.monotonic()
    await until(lambda: not any(good(process, text) for process in processes))
    assert time.monotonic() - revoked < 1
    for process in processes:
        await process.close()


async def test_a_rotated_key_goes_on_for_its_grace_only(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    first, key = await place.issuer.create(Wish("alice", scopes=("chat",)), ROOT)
    second, other = await place.issuer.rotate(key.id, 60.0, ROOT)
    third, _ = await place.issuer.rotate(other.id, 0.0, ROOT)
    keys = place.keys()
    await keys.refresh()
    assert [good(keys, text) for text in (first, second, third)] == [True, False, True]
    assert keys.find(third).scopes == frozenset({"chat"})
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(AuthenticationError, match="expired"):
        keys.find(first)
    with pytest.raises(ConflictError):
        await place.issuer.rotate(other.id, 0.0, ROOT)
    with pytest.raises(NotFoundError):
        await place.issuer.revoke("key_none", ROOT)


async def test_a_key_that_was_rotated_is_not_rotated_again_and_the_one_in_its_place_is(place: Place) -> None:
    _, key = await place.issuer.create(Wish("alice"), ROOT)
    _, other = await place.issuer.rotate(key.id, 60.0, ROOT)
    with pytest.raises(ConflictError, match=other.id):
        await place.issuer.rotate(key.id, 60.0, ROOT)
    _, third = await place.issuer.rotate(other.id, 60.0, ROOT)
    assert third.expires is None


async def test_the_store_holds_no_key_and_is_of_no_use_without_the_pepper(place: Place) -> None:
    text, _ = await place.issuer.create(Wish("alice"), ROOT)
    other = place.keys(b"q" * 32)
    await other.refresh()
    assert not good(other, text)
    for store in place.opened:
        await store.close()
    kept = place.kept()
    assert text.encode() not in kept
    assert text[3:].encode() not in kept


async def test_every_change_is_noted_with_who_made_it(place: Place) -> None:
    text, key = await place.issuer.create(Wish("alice"), ROOT)
    await place.issuer.revoke(key.id, ROOT)
    await place.issuer.revoke(key.id, ROOT)
    actions = await place.store().admin_log.list(time.time() + 1, 10)
    assert [(each.action, each.principal, each.target) for each in actions] == [
        ("key.revoke", "root", key.id),
        ("key.create", "root", key.id),
    ]
    assert text not in repr(actions)


async def test_while_the_store_is_away_known_keys_go_on_and_before_nobody_is_wrong(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = await place.issuer.create(Wish("alice"), ROOT)
    keys, fresh = place.keys(), place.keys()
    await keys.start()

    async def away(_table: object) -> int:
        raise UnavailableError("away")

    monkeypatch.setattr(type(place.store().keys), "version", away)
    monkeypatch.setattr(issued_module, "POLL_SECONDS", 0.01)
    await fresh.start()
    await asyncio.sleep(0.05)
    assert good(keys, text)
    with pytest.raises(UnavailableError):
        fresh.find(text)
    await keys.close()
    await fresh.close()


async def test_a_key_that_was_just_made_is_looked_for_once_in_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issued_module, "POLL_SECONDS", 60.0)
    monkeypatch.setattr(issued_module, "LOOK_SECONDS", 60.0)
    keys = place.keys()
    await keys.start()
    looks = 0
    book = type(place.store().keys)
    version = book.version

    async def counted(table: Any) -> int:
        nonlocal looks
        looks += 1
        return await version(table)

    monkeypatch.setattr(book, "version", counted)
    text, _ = await place.issuer.create(Wish("alice"), ROOT)
    found = await asyncio.gather(*(keys.find_anew(text) for _ in range(20)))
    assert {each.name for each in found} == {"alice"}
    assert looks == 1
    for number in range(50):
        with pytest.raises(AuthenticationError):
            await keys.find_anew(f"fb-{number}")
    assert looks == 1
    await keys.close()


async def test_unknown_keys_cost_no_memory(place: Place) -> None:
    keys = place.keys()
    await keys.refresh()
    assert not any(good(keys, f"fb-{number}") for number in range(2000))
    assert not keys._held
