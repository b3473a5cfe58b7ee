"""Sessions and signing keys, in both databases."""

import time

import msgspec

from forebay.core.sessions import MOST_OF_ONE, Session
from forebay.core.signing import SigningKey
from forebay.store.database import Database
from forebay.store.passwords import PasswordTable
from forebay.store.sessions import SessionTable
from forebay.store.signing import SigningTable


def session(name: str = "alice", **changed: object) -> Session:
    now = time.time()
    made = Session("origin", name, "research", "Alice", "member", now, now, now + 60, ("m",), "ey.id.token")
    return msgspec.structs.replace(made, **changed)


async def test_a_session_comes_back_until_it_is_removed(database: Database) -> None:
    table = SessionTable(database)
    kept = session(label="Ålice '; DROP TABLE sessions")
    await table.add("d1", kept)
    await table.touch("d1", kept.seen + 5)
    assert await table.find("d1") == msgspec.structs.replace(kept, seen=kept.seen + 5)
    assert await table.find("d2") is None
    await table.remove("d1")
    await table.remove("d1")
    await table.touch("d1", 0)
    assert await table.find("d1") is None


async def test_nobody_has_many_and_those_that_ended_are_forgotten(database: Database) -> None:
    table = SessionTable(database)
    now = time.time()
    await table.add("ended", session("bob", ends=now - 1))
    for number in range(MOST_OF_ONE + 3):
        await table.add(f"a{number}", session(seen=now + number))
    await table.add("bob", session("bob"))
    assert await table.find("ended") is None
    assert await table.find("bob") is not None
    found = [number for number in range(MOST_OF_ONE + 3) if await table.find(f"a{number}") is not None]
    assert found == list(range(3, MOST_OF_ONE + 3))


async def test_the_first_key_of_a_number_stays(database: Database) -> None:
    table = SigningTable(database)
    keys = [SigningKey(number, f"k{number}", float(number), "sealed") for number in range(1, 4)]
    for key in keys:
        await table.add(key)
    await table.add(SigningKey(2, "late", 9.0, "sealed"))
    assert await table.list() == keys
    await table.remove(2)
    assert await table.list() == keys[2:]


async def test_the_first_password_of_a_name_stays(database: Database) -> None:
    table = PasswordTable(database)
    assert await table.find("admin") is None
    assert await table.add("admin", "first")
    assert not await table.add("admin", "second")
    assert await table.find("admin") == "first"
