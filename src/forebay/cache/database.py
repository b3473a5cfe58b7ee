"""The SQLite file of the cache: its table, and what is done when the file is none.

Everything here blocks, and belongs to one thread.
"""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from forebay.core.entries import CacheUnavailableError, Selection

logger = logging.getLogger("forebay.cache")

SCHEMA: Final = 2

_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB UNIQUE NOT NULL, value BLOB NOT NULL,
    made REAL NOT NULL, expires REAL NOT NULL,
    tenant TEXT NOT NULL, namespace TEXT NOT NULL, model TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires);
CREATE INDEX IF NOT EXISTS entries_made ON entries (made);
"""
_AT_ONCE: Final = 64
"""Entries that go at once when the file is full."""

Row = tuple[bytes, bytes, float, float, str, str, str]


class BrokenFileError(Exception):
    """The file is no database, or a damaged one."""


class Database:
    """A connection to the file at ``path``, which waits ``timeout`` seconds for other processes.

    Raises:
        CacheUnavailableError: the file cannot be opened.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        try:
            self._connection = _opened(path, timeout)
        except BrokenFileError as error:
            _put_aside(path, error)
            self._connection = _opened(path, timeout)
        self._place = _place(path)

    def is_there(self) -> bool:
        """Whether the file is still where it was opened; one that was deleted or replaced takes entries in vain."""
        return _place(self._path) == self._place

    def get(self, key: bytes) -> bytes | None:
        """The value of ``key``."""
        with _telling():
            found = self._connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def put(self, row: Row, now: float, most: int) -> None:
        """Write ``row``; while the file has more than ``most`` bytes, what has expired goes, then the oldest."""
        with _telling(), self._connection as connection:
            connection.execute("INSERT OR REPLACE INTO entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row)
        if self._size() > most:
            self.clean(now)
        while self._size() > most and self._drop_oldest():
            pass

    def delete(self, key: bytes) -> bool:
        """Forget ``key``."""
        return self._delete("DELETE FROM entries WHERE key = ?", (key,)) > 0

    def delete_where(self, selection: Selection) -> int:
        """Forget what ``selection`` holds; how many that were."""
        wanted = (selection.tenant, selection.namespace, selection.model)
        return self._delete(
            "DELETE FROM entries WHERE tenant = ifnull(?, tenant) AND namespace = ifnull(?, namespace) "
            "AND model = ifnull(?, model)",
            wanted,
        )

    def clean(self, now: float) -> None:
        """Forget what has expired."""
        self._delete("DELETE FROM entries WHERE expires <= ?", (now,))

    def page(self, after: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """The next entries after the key ``after``."""
        with _telling():
            return self._connection.execute(
                "SELECT key, value FROM entries WHERE key > ? ORDER BY key LIMIT ?", (after, most)
            ).fetchall()

    def written(self, after: int | None, most: int) -> tuple[int, list[tuple[bytes, bytes]]]:
        """The next entries by when they were written, and the number of the last; without ``after`` that alone.

        Numbers are never given twice, unless the file is another one: then all of it is new.
        """
        with _telling():
            found = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
            last = int(found[0]) if found else 0
            if after is None or after == last:
                return last, []
            rows = self._connection.execute(
                "SELECT number, key, value FROM entries WHERE number > ? ORDER BY number LIMIT ?",
                (after if after < last else 0, most),
            ).fetchall()
        return (rows[-1][0] if rows else last), [(key, value) for _, key, value in rows]

    def stats(self, now: float) -> tuple[int, int]:
        """How many entries live, and the bytes of the file that are in use."""
        with _telling():
            found = self._connection.execute("SELECT count(*) FROM entries WHERE expires > ?", (now,)).fetchone()
        return int(found[0]), self._size()

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _delete(self, statement: str, values: tuple[Any, ...]) -> int:
        with _telling(), self._connection as connection:
            return connection.execute(statement, values).rowcount

    def _drop_oldest(self) -> int:
        return self._delete(
            "DELETE FROM entries WHERE key IN (SELECT key FROM entries ORDER BY made LIMIT ?)", (_AT_ONCE,)
        )

    def _size(self) -> int:
        with _telling():
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * size)


def _place(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _opened(path: Path, timeout: float) -> sqlite3.Connection:
    """The file, checked, in WAL mode and with its table; entries of another schema are gone."""
    with _telling():
        connection = sqlite3.connect(path, timeout=timeout, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            _check(connection)
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            if schema not in (0, SCHEMA):
                connection.execute("DROP TABLE IF EXISTS entries")
            connection.executescript(f"{_TABLE} PRAGMA user_version = {SCHEMA};")
        except BaseException:
            connection.close()
            raise
    connection.text_factory = bytes  # a value that is no blob is told by its bytes, as rubbish
    return connection


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise BrokenFileError(found)


def _put_aside(path: Path, error: BrokenFileError) -> None:
    """Keep the broken file beside the new one, for whoever wants to know; loudly, for its entries are lost."""
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%dT%H%M%S')}")
    logger.error("the cache's file %s is broken (%s): it is now %s, and the cache begins empty", path, error, aside)
    try:
        path.rename(aside)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
    except OSError as failure:
        raise CacheUnavailableError(f"{path} is broken and cannot be moved: {failure}") from None


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """SQLite's errors in the cache's terms."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN:
            raise BrokenFileError(str(error)) from None
        raise CacheUnavailableError(f"SQLite: {error}") from None
