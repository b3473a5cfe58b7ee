"""The compose file: valid by its specification, whole, confined, and with configurations that Forebay takes."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner

from forebay.cli.config import config

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "compose"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return read


@pytest.mark.needs("compose-spec")
def test_it_is_valid(compose: dict[str, Any]) -> None:
    from compose_spec import PyCompose  # noqa: PLC0415  # a part that a machine may lack

    def parsed(content: dict[str, Any]) -> set[str]:  # its parser knows no merge keys, which YAML has resolved here
        return set(PyCompose.from_yaml(yaml.safe_dump(content)).service_names())

    assert parsed(compose) == set(compose["services"])
    wrong = compose["services"]["web"] | {"read_onyl": True}
    with pytest.raises(ValueError, match="read_onyl"):
        parsed(compose | {"services": compose["services"] | {"web": wrong}})


def test_every_service_is_confined(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not any("PASSWORD" in key and not key.endswith("_FILE") for key in service.get("environment", {})), name


def test_what_is_named_is_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert {each["source"] for each in service.get("configs", [])} <= set(compose["configs"])
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert {each.partition(":")[0] for each in service.get("volumes", [])} <= set(compose["volumes"])
        build = service.get("build")
        assert build is None or (FOLDER / build["context"] / build["dockerfile"]).is_file()
    for each in compose["configs"].values():
        assert (FOLDER / each["file"]).is_file()


def test_the_database_is_out_of_reach_of_all_but_the_gateway(compose: dict[str, Any]) -> None:
    inside = {name for name, service in compose["services"].items() if "data" in service["networks"]}
    assert compose["networks"]["data"] == {"internal": True}
    assert inside == {"gateway", "migrations", "postgres", "redis", "cache"}
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["web"]


def test_what_limits_count_outlives_a_restart_and_is_never_dropped(compose: dict[str, Any]) -> None:
    settings = yaml.safe_load((FOLDER / "config" / "gateway.yaml").read_text())
    place = urlsplit(settings["limits"]["url"]).hostname
    assert place != urlsplit(settings["cache"]).hostname
    service = compose["services"][place]
    options = dict(zip(service["command"][1::2], service["command"][2::2], strict=True))
    assert (options["--appendonly"], options["--maxmemory-policy"]) == ("yes", "noeviction")
    assert any(each.endswith(":/data") for each in service["volumes"])
    assert not any(each.startswith("/data") for each in service["tmpfs"])


def test_secrets_cannot_be_committed_by_mistake(compose: dict[str, Any]) -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for each in compose["secrets"].values():
        assert f"{(FOLDER / each['file']).parent.relative_to(ROOT).as_posix()}/" in ignored


@pytest.mark.parametrize("role", ["gateway", "engine", "web"])
def test_forebay_takes_every_configuration(role: str, compose: dict[str, Any], tmp_path: Path) -> None:
    for name in compose["services"][role].get("secrets", []):
        (tmp_path / name).write_text("5f0e4c9a3b7d2e1f6a8c\n")
    file = tmp_path / "forebay.yaml"
    file.write_text((FOLDER / "config" / f"{role}.yaml").read_text().replace("/run/secrets", str(tmp_path)))
    done = CliRunner().invoke(config, ["check", str(file)])
    assert done.exit_code == 0, done.output
