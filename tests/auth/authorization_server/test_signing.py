"""Signing keys: one for all processes, another one in time, none too early or too late."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from forebay.auth.authorization_server import signing
from forebay.auth.authorization_server.signing import AHEAD, LINGER, SigningKeys
from forebay.core.errors import UnavailableError
from forebay.settings import AuthorizationServerSettings
from forebay.store.database import Database, parse
from forebay.store.signing import SigningTable

SECRET = b"a pepper of 16 characters"
SETTINGS = AuthorizationServerSettings("ES256", 600.0, 86400.0)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(signing, "time", made)
    return made


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[SigningTable]:
    database = Database(parse(f"sqlite:///{tmp_path}/keys.db"))
    yield SigningTable(database)
    await database.close()


def names(keys: SigningKeys) -> list[str]:
    return [each["kid"] for each in msgspec.json.decode(keys.jwks())["keys"]]


async def test_processes_that_start_together_sign_by_one_key(table: SigningTable) -> None:
    processes = [SigningKeys(table, SECRET, SETTINGS) for _ in range(3)]
    await asyncio.gather(*(each.refresh() for each in processes))
    assert len({each.signer.kid for each in processes}) == 1
    token = processes[0].signer.sign(b"{}")
    assert all(each.by_head(token.partition(".")[0]) for each in processes)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_others_verify_by_what_is_published_and_nothing_private_is(table: SigningTable, algorithm: str) -> None:
    keys = SigningKeys(table, SECRET, msgspec.structs.replace(SETTINGS, algorithm=algorithm))
    await keys.refresh()
    published = msgspec.json.decode(keys.jwks())
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(published["keys"][0])
    read = jws.deserialize_compact(
        keys.signer.sign(b'{"a": 1}'), KeySet.import_key_set(published), algorithms=[algorithm]
    )
    assert read.payload == b'{"a": 1}'
    assert read.headers() == {"alg": algorithm, "typ": "at+jwt", "kid": published["keys"][0]["kid"]}


async def test_a_key_is_published_before_it_signs_and_stays_while_its_tokens_last(
    table: SigningTable, clock: Clock
) -> None:
    keys = SigningKeys(table, SECRET, SETTINGS)
    await keys.refresh()
    first = keys.signer.kid
    clock.now += SETTINGS.rotate_every - AHEAD - 1
    await keys.refresh()
    assert names(keys) == [first]
    clock.now += 2
    await keys.refresh()
    await keys.refresh()
    assert (len(names(keys)), keys.signer.kid) == (2, first)
    clock.now += AHEAD
    second = keys.signer.kid
    assert second != first
    clock.now += SETTINGS.lifetime + LINGER - 2
    await keys.refresh()
    assert names(keys) == [first, second]
    clock.now += 4
    await keys.refresh()
    await keys.refresh()
    assert names(keys) == [second]


async def test_another_algorithm_begins_soon(table: SigningTable, clock: Clock) -> None:
    old = SigningKeys(table, SECRET, SETTINGS)
    await old.refresh()
    keys = SigningKeys(table, SECRET, msgspec.structs.replace(SETTINGS, algorithm="RS256"))
    await keys.refresh()
    assert keys.signer.algorithm == "ES256"
    clock.now += AHEAD + 1
    assert keys.signer.algorithm == "RS256"


async def test_the_store_alone_gives_no_key_away_and_another_pepper_begins_anew(table: SigningTable) -> None:
    keys = SigningKeys(table, SECRET, SETTINGS)
    await keys.refresh()
    (kept,) = await table.list()
    assert '"d"' not in kept.sealed
    other = SigningKeys(table, b"another pepper of 16", SETTINGS)
    await other.refresh()
    assert names(other) != names(keys)
    await other.refresh()
    assert len(await table.list()) == 2


async def test_nothing_is_signed_before_there_is_a_key(table: SigningTable) -> None:
    with pytest.raises(UnavailableError):
        _ = SigningKeys(table, SECRET, SETTINGS).signer
