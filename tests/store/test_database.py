"""How a database is opened, and how its schema comes to be."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, select

from forebay.core.errors import UnavailableError
from forebay.store import plugin
from forebay.store.database import Database, UnusableUrlError, parse
from forebay.store.tables import METADATA, VERSIONS


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    assert plugin  # it imports the tables of all parts

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    async with database.writing() as connection:
        assert await connection.run_sync(differences) == []


async def test_several_may_bring_the_schema_up_to_date_at_once(url: str) -> None:
    databases = [Database(parse(url)) for _ in range(4)]

    async def numbers(database: Database) -> list[int]:
        async with database.writing() as connection:
            return sorted((await connection.execute(select(VERSIONS.c.number))).scalars())

    assert await asyncio.gather(*map(numbers, databases)) == [[0, 0, 0]] * 4
    for database in databases:
        await database.close()


@pytest.mark.parametrize(
    "url", ["", "forebay.db", "sqlite://", "sqlite:///:memory:", "mysql://host/name", "sqlite+other:///x", "http://x"]
)
def test_a_url_of_nothing_that_we_know_is_refused(url: str) -> None:
    with pytest.raises(UnusableUrlError, match="sqlite:///"):
        parse(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_way_to_name_postgresql_means_the_same(scheme: str) -> None:
    assert parse(f"{scheme}://u:p@h/n").drivername == "postgresql+asyncpg"


async def test_a_database_that_is_away_is_unavailable() -> None:
    database = Database(parse("postgresql://nobody@127.0.0.1:1/nothing"))
    with pytest.raises(UnavailableError, match="try again"):
        async with database.reading():
            pass
    await database.close()
