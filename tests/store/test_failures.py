"""What is wrong with a database is said with what helps, for every way in which a real one fails."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from forebay.core.errors import UnavailableError
from forebay.plugins import PreparationError
from forebay.store.database import Database, parse
from forebay.store.failures import told
from tests.support.postgres import Postgres
from tests.support.until import until


def connecting() -> list[threading.Thread]:
    """The threads of aiosqlite's connections."""
    return [thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]


async def refusal(url: str) -> Exception:
    """What bringing it up to date ends with."""
    database = Database(parse(url))
    try:
        await database.migrate()
    except (UnavailableError, PreparationError) as error:
        return error
    finally:
        await database.close()
        # aiosqlite lets the thread of a connection that came to nothing end when it likes.
        await until(lambda: not connecting())
    raise AssertionError("it went well")


def text_in_its_place(file: Path) -> None:
    file.write_text("This is a letter, and of a length at which nobody can take it for a database any more.\n" * 9)


def folder_in_its_place(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("name", "spoil", "kind", "said"),
    [
        ("nowhere/a.db", lambda _file: None, UnavailableError, "its file cannot be opened: the folder must be there"),
        ("a.db", folder_in_its_place, UnavailableError, "its file cannot be opened"),
        ("a.db", text_in_its_place, PreparationError, "its file is no SQLite database"),
    ],
)
async def test_a_file_that_is_none(
    tmp_path: Path, name: str, spoil: Callable[[Path], None], kind: type[Exception], said: str
) -> None:
    spoil(tmp_path / name)
    found = await refusal(f"sqlite:///{tmp_path / name}")
    assert isinstance(found, kind)
    assert said in str(found)
    assert "Error" not in str(found)


async def test_a_file_that_somebody_else_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.store.database.POOL_SECONDS", 0.05)
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("BEGIN IMMEDIATE")
    found = await refusal(f"sqlite:///{tmp_path / 'a.db'}")
    holder.close()
    assert "another process has it locked" in str(found)


async def test_a_schema_of_a_newer_version_is_left_as_it_is(url: str) -> None:
    database = Database(parse(url))
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    found = await refusal(url)
    assert isinstance(found, PreparationError)
    assert "a newer version of Forebay made its schema" in str(found)
    again = Database(parse(url))
    with pytest.raises(UnavailableError, match="try again later"):
        async with again.reading():
            pass
    await again.close()


@pytest.mark.needs("postgres")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": "nobody_we_know", "password": "geheim"}, "it refuses the user or the password"),
        ({"database": "nowhere"}, "the server has no database of that name"),
        ({"username": "carol"}, "its user may not do this"),
    ],
)
async def test_what_postgresql_refuses(server: Postgres, changes: dict[str, Any], said: str) -> None:
    url = make_url(server.database())
    server.server.psql("DROP ROLE IF EXISTS carol; CREATE ROLE carol LOGIN")
    found = await refusal(url.set(**changes).render_as_string(hide_password=False))
    assert isinstance(found, UnavailableError)
    assert said in str(found)
    assert "geheim" not in str(found)


async def test_nobody_answers_there() -> None:
    assert "nobody listens" in str(await refusal("postgresql://u:geheim@127.0.0.1:1/x"))
    assert "the host in 'store.url' is not known" in str(await refusal("postgresql://u@nowhere.invalid/x"))


def test_what_is_not_known_is_named_by_its_code_or_its_class() -> None:
    class OddError(Exception):
        sqlstate = "XX000"

    assert told(OddError("secret")) == "it cannot be used (XX000)"
    assert told(ValueError("secret")) == "it cannot be used (ValueError)"
