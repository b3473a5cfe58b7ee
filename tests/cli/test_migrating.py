"""``forebay store migrate``: makes the tables, waits for a database, and says what it cannot do."""

import sqlite3
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forebay.cli.migrating import store


def migrate(folder: Path, text: str, *arguments: str) -> Result:
    config = folder / "forebay.yaml"
    config.write_text(text)
    return CliRunner().invoke(store, ["migrate", "--config", str(config), *arguments])


def test_the_tables_are_made_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "forebay.db"
    text = f"store: {{url: 'sqlite:///{file}'}}\n"
    for _ in range(2):
        done = migrate(tmp_path, text)
        assert (done.exit_code, done.output) == (0, "the store is up to date\n")
        connection = sqlite3.connect(file)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        (revisions,) = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
        connection.close()
        assert {"usage", "alembic_version"} <= tables
        assert revisions == 1


def test_a_database_that_stays_away_is_told_after_the_wait(tmp_path: Path) -> None:
    start = time.monotonic()
    done = migrate(tmp_path, "store: {url: 'postgresql://nobody@127.0.0.1:9/none'}\n", "--wait", "1s")
    assert done.exit_code == 1
    said = "The store cannot be brought up to date: nobody listens at the address in 'store.url'."
    assert done.output == f"{said} Waiting for it.\nError: {said}\n"
    assert 0.5 <= time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("{}\n", (), "the configuration has no store"),
        ("store: {url: 'mysql://somewhere'}\n", (), "store.url"),
        ("store: {url: 'sqlite:///a.db'}\n", ("--wait", "soon"), "expected a duration"),
    ],
)
def test_what_it_cannot_do_is_told(tmp_path: Path, text: str, arguments: tuple[str, ...], told: str) -> None:
    done = migrate(tmp_path, text, *arguments)
    assert done.exit_code != 0
    assert told in done.output
