"""The store in a file: broken files, two processes, a bound."""

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forebay.cache.sqlite import SQLiteSettings, SQLiteStore
from forebay.core.entries import CacheUnavailableError, Entry
from forebay.plugins import PreparationError
from tests.support.cached import Clock

CLOCK = Clock()


def entry(body: bytes = b"{}") -> Entry:
    return Entry(body, CLOCK.now, CLOCK.now + 1000)


def opened(path: Path, max_bytes: int = 10**8) -> SQLiteStore:
    return SQLiteStore(SQLiteSettings(str(path), max_bytes), CLOCK)


def asides(folder: Path) -> list[Path]:
    return list(folder.glob("c.db.broken-*"))


async def filled(path: Path, number: int = 50) -> None:
    store = opened(path)
    await store.start()
    for each in range(number):
        await store.put(b"%032d" % each, entry(b"x" * 1000))
    await store.close()


async def test_entries_survive_a_restart(tmp_path: Path) -> None:
    await filled(tmp_path / "c.db")
    store = opened(tmp_path / "c.db")
    await store.start()
    assert await store.get(b"%032d" % 7) is not None
    await store.close()


@pytest.mark.parametrize("rubbish", [b"this is no database at all, but it is long enough", b"\0" * 5000])
async def test_a_file_that_is_no_database_is_put_aside_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, rubbish: bytes
) -> None:
    path = tmp_path / "c.db"
    path.write_bytes(rubbish)
    store = opened(path)
    with caplog.at_level(logging.ERROR):
        await store.start()
    await store.put(b"k" * 32, entry())
    assert await store.get(b"k" * 32) is not None
    await store.close()
    (aside,) = asides(tmp_path)
    assert aside.read_bytes() == rubbish
    assert "is broken" in caplog.text


async def test_a_file_that_breaks_while_it_is_used_is_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "c.db"
    await filled(path, 500)
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    store = opened(path)
    with caplog.at_level(logging.ERROR):
        await store.start()
        assert await store.get(b"%032d" % 7) is None
        await store.put(b"k" * 32, entry())
    assert await store.get(b"k" * 32) is not None
    await store.close()
    assert asides(tmp_path)
    assert "is broken" in caplog.text


async def test_entries_of_another_schema_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    await filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    store = opened(path)
    await store.start()
    assert (await store.stats()).entries == 0
    await store.close()


async def test_a_value_that_cannot_be_read_is_a_miss_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    await filled(path, 3)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET value = substr(value, 1, 40) WHERE key = ?", (b"%032d" % 1,))
        connection.execute("UPDATE entries SET value = X'46424302' || value WHERE key = ?", (b"%032d" % 2,))
    connection.close()
    store = opened(path)
    await store.start()
    assert [await store.get(b"%032d" % each) is None for each in range(3)] == [False, True, True]
    assert store.gauges()["unreadable_total"] == 2
    assert (await store.stats()).entries == 1
    await store.close()


async def test_the_oldest_go_when_the_file_is_full(tmp_path: Path) -> None:
    store = opened(tmp_path / "c.db", 500_000)
    await store.start()
    for each in range(1000):
        CLOCK.now += 0.01
        await store.put(b"%032d" % each, entry(b"x" * 1000))
    stats = await store.stats()
    assert stats.bytes <= 500_000
    assert 200 < stats.entries < 500
    assert await store.get(b"%032d" % 999) is not None
    assert await store.get(b"%032d" % 0) is None
    await store.close()


async def test_two_processes_share_a_file(tmp_path: Path) -> None:
    CLOCK.now = time.time()  # the other's clock is the machine's
    path = tmp_path / "c.db"
    store = opened(path)
    await store.start()
    script = (
        "import asyncio, sys, time\n"
        "from forebay.cache.sqlite import *\n"
        "async def main():\n"
        "    store = SQLiteStore(SQLiteSettings(sys.argv[1], timeout=20.0)); await store.start()\n"
        "    for n in range(300): await store.put(b'o%031d' % n, Entry(b'x' * 100, time.time(), time.time() + 1000))\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path), stderr=subprocess.PIPE)
    for each in range(300):
        await store.put(b"%032d" % each, entry())
    _, errors = await asyncio.wait_for(other.communicate(), 60)
    assert other.returncode == 0, errors.decode()
    assert (await store.stats()).entries == 600
    assert await store.get(b"o%031d" % 299) is not None
    await store.close()


async def test_a_file_that_cannot_be_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PreparationError, match="cannot be kept in"):
        await opened(tmp_path / "file" / "c.db").start()


async def test_a_closed_store_cannot_be_asked(tmp_path: Path) -> None:
    store = opened(tmp_path / "c.db")
    await store.start()
    await store.close()
    with pytest.raises(CacheUnavailableError):
        await store.get(b"k")


async def test_that_its_file_was_deleted_while_it_is_in_use_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("forebay.cache.sqlite._LOOKING", 0.0)
    path = tmp_path / "answers.db"
    store = SQLiteStore(SQLiteSettings(str(path)))
    await store.start()
    await store.put(b"k" * 32, entry())
    assert "deleted" not in caplog.text
    await asyncio.to_thread(path.unlink)
    for _ in range(3):
        await store.put(b"k" * 32, entry())
    assert caplog.text.count("deleted or replaced") == 1
    await store.close()
