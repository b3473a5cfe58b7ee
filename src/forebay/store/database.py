"""The connection to a database: how it is opened, brought up to date, and what counts as its being away."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from forebay.core.errors import UnavailableError
from forebay.plugins import PreparationError
from forebay.store.failures import is_lasting, told
from forebay.store.migrations import upgrade

AWAY: Final = (SQLAlchemyError, OSError, TimeoutError)
"""What is raised by a database that is down, slow, locked or full: trying again later may help."""

logger = logging.getLogger("forebay.store")

READ: Final = "forebay_read"
SECONDS: Final = 30.0
POOL_SECONDS: Final = 5.0
SQLITE: Final = "sqlite"
DRIVERS: Final = {SQLITE: "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class UnusableUrlError(ValueError):
    """The URL of a store names no database that can be used here; the message says what to do."""


class Database:
    """A pool of connections; the schema is brought up to date before the first use, however late that is."""

    def __init__(self, url: URL) -> None:
        self._engine = _engine(url)
        self._upgraded = False
        self._upgrading = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end.

        Raises:
            Exception: one of `AWAY`, within `SECONDS`.
        """
        async with asyncio.timeout(SECONDS):
            await self._upgrade()
            async with self._engine.begin() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads.

        Raises:
            UnavailableError: the database is away.
        """
        try:
            async with asyncio.timeout(SECONDS):
                await self._upgrade()
                async with self._engine.connect() as connection:
                    yield await connection.execution_options(**{READ: True})
        except AWAY as error:
            logger.warning("the store cannot be read: %s", told(error))
            raise UnavailableError("The store cannot be read now; try again later.") from error

    @contextlib.asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end, for somebody who waits for it.

        Raises:
            UnavailableError: the database is away.
        """
        try:
            async with self.writing() as connection:
                yield connection
        except AWAY as error:
            logger.warning("the store cannot be changed: %s", told(error))
            raise UnavailableError("The store cannot be changed now; try again later.") from error

    async def migrate(self) -> None:
        """Bring the schema up to date now, in place of before the first use.

        Raises:
            UnavailableError: the database is away; the message says why, for whoever runs the server.
            PreparationError: waiting for it is of no use.
        """
        try:
            async with self.writing():
                pass
        except AWAY as error:
            reason = f"The store cannot be brought up to date: {told(error)}."
            raise PreparationError(reason) if is_lasting(error) else UnavailableError(reason) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def _upgrade(self) -> None:
        if self._upgraded:
            return
        async with self._upgrading:
            if not self._upgraded:
                async with self._engine.begin() as connection:
                    await connection.run_sync(upgrade)
                self._upgraded = True


def parse(text: str) -> URL:
    """The URL in ``text``, with the driver that we use.

    Raises:
        UnusableUrlError: it is none, or of a database that we do not know; nothing of it is shown.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UnusableUrlError("is no URL; write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME") from None
    driver = DRIVERS.get(url.get_backend_name())
    if driver is None or url.drivername not in {*DRIVERS, *DRIVERS.values()}:
        raise UnusableUrlError("must begin with sqlite:/// or postgresql://")
    if driver == DRIVERS[SQLITE] and url.database in {None, "", ":memory:"}:
        raise UnusableUrlError("names no file: write sqlite:///FILE")
    return url.set(drivername=driver)


def journal_folder(url: URL) -> Path:
    """Where the journal is, if nothing else is said: beside SQLite's file, else in the working folder."""
    is_file = url.get_backend_name() == SQLITE
    return Path(f"{url.database}.journal" if is_file else "forebay.journal")


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != SQLITE:
        return create_async_engine(url, pool_size=4, max_overflow=4, pool_timeout=POOL_SECONDS, pool_pre_ping=True)
    engine = create_async_engine(url, pool_timeout=POOL_SECONDS, connect_args={"timeout": POOL_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  # a driver's
    """Many may read while one writes; a transaction begins where we say so, and holds tables as well as rows."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails where another one wrote in between: writers queue here.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READ) else "BEGIN IMMEDIATE")
