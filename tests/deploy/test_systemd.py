"""The systemd units: what systemd itself says of them."""

import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
MOST_EXPOSED = 20
"""Of 100, by `systemd-analyze security`; an unconfined service has 96."""

pytestmark = pytest.mark.needs("systemd")


@pytest.fixture
def units(tmp_path: Path) -> dict[str, Path]:
    """The units as they are installed, but with a program that is on this machine."""
    names = {
        "forebay.service": "forebay.service",
        "forebay@.service": "forebay@engine.service",
        "forebay.target": "forebay.target",
    }
    for source, name in names.items():
        text = (FOLDER / source).read_text()
        (tmp_path / name).write_text(text.replace("/opt/forebay/bin/forebay", "/bin/true"))
    return {name: tmp_path / name for name in names.values()}


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_they_are_valid(units: dict[str, Path]) -> None:
    done = analyze("--man=no", "verify", *units.values())
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_wrong_one_would_be_found(units: dict[str, Path]) -> None:
    unit = units["forebay.service"]
    unit.write_text(unit.read_text().replace("ProtectSystem=", "ProtectSytem="))
    assert "ProtectSytem" in analyze("--man=no", "verify", unit).stderr


@pytest.mark.parametrize("name", ["forebay.service", "forebay@engine.service"])
def test_they_are_confined(name: str, units: dict[str, Path]) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", units[name])
    assert done.returncode == 0, done.stdout[-300:]


def test_the_steps_make_every_folder_that_a_unit_cannot_start_without() -> None:
    steps = (FOLDER.parents[1] / "docs" / "deploy.md").read_text()
    made = {word for line in steps.splitlines() if line.startswith("install -d ") for word in line.split()}
    for name, roles in (("forebay.service", [""]), ("forebay@.service", ["engine", "gateway", "web"])):
        folder = re.search(r"^LoadCredential=secrets:(.+)$", (FOLDER / name).read_text(), re.MULTILINE)
        assert folder
        assert {folder[1].replace("%i", role) for role in roles} <= made


def test_the_one_and_the_many_are_confined_alike() -> None:
    def confining(name: str) -> list[str]:
        return (FOLDER / name).read_text().partition("UMask=")[2].partition("[Install]")[0].splitlines()

    assert confining("forebay.service") == confining("forebay@.service")
