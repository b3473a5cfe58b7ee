"""Both databases, empty, for whatever holds for both."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from forebay.store.database import Database, parse
from tests.support.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL for all tests."""
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'forebay.db'}"
    running: Postgres = request.getfixturevalue("server")
    return running.database()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The database there."""
    opened = Database(parse(url))
    yield opened
    await opened.close()
