"""``forebay keys``: what a person at the machine does with keys, without a server."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forebay.cli.keys import keys

CONFIG = """
auth: {issued_keys: {pepper: "a pepper of 16 characters"}}
store: {url: "sqlite:///%s/forebay.db"}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "forebay.yaml"
    path.write_text(CONFIG % tmp_path)
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(keys, [*arguments, "--config", str(config)])


def test_a_key_from_its_making_to_its_end(config: Path) -> None:
    made = run(config, "create", "alice", "--tenant", "team", "--scope", "chat", "--expires", "90d", "--rpm", "2")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("fb-")
    (key,) = json.loads(run(config, "list", "--json").stdout)
    assert (key["name"], key["tenant"], key["scopes"], key["limits"]["rpm"]) == (
        "alice",
        "team",
        ["chat"],
        2,
    )
    assert run(config, "rotate", key["id"], "--grace", "1h").stdout.startswith("fb-")
    assert "revoked" in run(config, "revoke", key["id"]).stdout
    lines = run(config, "list", "--tenant", "team").stdout.splitlines()
    assert [line.split()[4] for line in lines] == ["good", "revoked"]
    assert made.stdout.strip() not in "".join(lines)


def test_a_key_with_budgets_shows_them_and_what_was_spent(config: Path) -> None:
    assert run(config, "create", "bob", "--rpm", "60", "--budget-day", "5", "--budget-month", "50.25").exit_code == 0
    line = run(config, "list").stdout
    assert line.rstrip().endswith("good  rpm 60, $5 a day, $50.25 a month")
    shown = json.loads(run(config, "show", line.split()[0]).stdout)
    assert (shown["budget_day"], shown["budget_month"], shown["spent_day"], shown["spent_month"]) == (5, 50.25, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "x", "--budget-day", "lots"), "--budget-day takes an amount of dollars"),
        (("create", "x", "--budget-month", "-5"), "budget_month"),
        (("show", "key_none"), "no key with this id"),
        (("revoke", "key_none"), "no key with this id"),
        (("create", "x", "--scope", "everything"), "everything"),
        (("create", "x", "--expires", "soon"), "duration"),
        (("create", ""), "NAME takes 1 to 128"),
        (("create", "a\nb"), "NAME takes 1 to 128"),
        (("create", "x", "--tenant", ""), "--tenant takes"),
        (("create", "x", "--model", "a\nb"), "--model takes"),
        (("create", "x", "--expires", "40000d"), "--expires takes"),
        (("create", "x", "--rpm", "10000000000000"), "--rpm takes"),
    ],
)
def test_what_cannot_be_done_is_told(config: Path, arguments: tuple[str, ...], told: str) -> None:
    result = run(config, *arguments)
    assert result.exit_code != 0
    assert told in result.output
    assert "$" not in result.output


def test_without_a_store_no_key_is_made(tmp_path: Path) -> None:
    path = tmp_path / "forebay.yaml"
    path.write_text("log: {level: info}\n")
    assert "issues no keys" in run(path, "create", "x").output
    path.write_text('auth: {issued_keys: {pepper: "a pepper of 16 characters"}}\n')
    assert "needs a 'store'" in run(path, "create", "x").output
