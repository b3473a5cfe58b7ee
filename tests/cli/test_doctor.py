"""``forebay doctor``: its three forms, its status, and what it says to a file that is none."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from forebay.cli.doctor import doctor
from tests.support.doctored import copied

SCHEMA = Path(__file__).parents[2] / ".node/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"


@pytest.fixture
def debts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = copied("debts", tmp_path)
    monkeypatch.chdir(path.parent)
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(doctor, ["forebay.yaml", *arguments])


@pytest.mark.usefixtures("debts")
def test_people_read_a_table() -> None:
    result = run("--offline")
    assert result.exit_code == 1
    assert "error   FB301  forebay.yaml:4: auth.keys[0].key: a secret stands in the file" in result.output
    assert "FB901" in result.output
    assert result.output.splitlines()[-1].endswith("info")
    assert "not-a-real-key" not in result.output


@pytest.mark.usefixtures("debts")
def test_machines_read_json() -> None:
    found = json.loads(run("--offline", "--format", "json").stdout)["findings"]
    (one,) = [each for each in found if each["rule"] == "FB103"]
    assert (one["severity"], one["path"], one["line"]) == ("error", "models.old.deployments[0]", 16)


@pytest.mark.usefixtures("debts")
@pytest.mark.needs("oidc-provider")
def test_code_hosts_read_sarif_that_its_schema_allows() -> None:
    log = json.loads(run("--offline", "--format", "sarif").stdout)
    schema = json.loads(SCHEMA.read_text())
    for each in ("run", "toolComponent"):  # no valid pattern, and about nothing that stands in our logs
        del schema["definitions"][each]["properties"]["language"]["pattern"]
    jsonschema_rs.Draft7Validator(schema, offline=True).validate(log)
    (sarif_run,) = log["runs"]
    rules = sarif_run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in sarif_run["results"])


@pytest.mark.usefixtures("debts")
@pytest.mark.parametrize(("level", "status"), [("never", 0), ("error", 1), ("info", 1)])
def test_the_status_says_whether_it_is_bad(level: str, status: int) -> None:
    assert run("--offline", "--fail-on", level).exit_code == status


def test_a_clean_one_has_no_debts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied("clean", tmp_path).parent)
    result = run()
    assert (result.exit_code, result.output) == (0, "no debts found\n")


@pytest.mark.parametrize(("text", "told"), [("models: [", "YAML"), ("modles: {}", "did you mean")])
def test_what_is_no_configuration_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    (tmp_path / "forebay.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    result = run()
    assert result.exit_code == 1
    assert told in result.output
