"""``forebay models``: what it says, and with which status."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forebay.cli.models import models
from forebay.engine import catalog, library, metadata
from forebay.engine.errors import FetchError
from forebay.plugins import Progress


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models, arguments)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOREBAY_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def installed(home: Path) -> Path:
    folder = home / "models" / "mine-0123456789ab"
    folder.mkdir(parents=True)
    (folder / "openvino_model.xml").write_bytes(bytes(2_000_000))
    about = metadata.Metadata(name="mine", architecture="llama", context_length=8, source="mine 1.0", made=1e9)
    metadata.write(folder, about)
    return folder


def test_an_empty_library_says_what_can_be_pulled() -> None:
    result = run("list")
    assert result.exit_code == 0
    for row in catalog.MODELS.values():
        assert f"forebay models pull {row.name}" in result.stdout
        assert row.licence in result.stdout


def test_what_is_there_is_listed_one_a_line(installed: Path) -> None:
    assert installed
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "SIZE", "DATE", "SOURCE"]
    assert lines[1].split() == ["mine", "2.0", "MB", "2001-09-09", "mine", "1.0"]


def test_a_long_line_is_not_cut_where_a_program_reads(installed: Path) -> None:
    source = "x" * 300
    about = metadata.Metadata(name="mine", architecture="llama", context_length=8, source=source)
    metadata.write(installed, about)
    assert source in run("list").stdout


def test_what_is_removed_is_gone(installed: Path) -> None:
    result = run("rm", "mine")
    assert (result.exit_code, result.stdout) == (0, "Removed mine: 2.0 MB are free again.\n")
    assert not installed.exists()


def test_what_is_not_there_cannot_be_removed(installed: Path) -> None:
    assert installed
    result = run("rm", "yours")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no model 'yours' in the library; it holds: mine.\n"


def test_what_has_arrived_in_part_is_listed_and_can_be_removed(home: Path) -> None:
    files = home / "downloads" / "mine-0123456789ab" / "files"
    files.mkdir(parents=True)
    (files / "mine.gguf.part").write_bytes(bytes(3_000_000))
    (files.parent / "NAME").write_text("hf:me/mine")
    listed = run("list").stdout
    assert "Not whole yet: hf:me/mine (3.0 MB). To go on: forebay models pull hf:me/mine;" in listed
    assert run("rm", "hf:me/mine").stdout.startswith("Removed hf:me/mine: 3.0 MB are free again.")
    assert not files.exists()


def test_a_bad_name_of_a_hub_is_one_line_and_status_1() -> None:
    result = run("pull", "hf:me/../mine")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: 'hf:me/../mine' is no model of a hub: write hf:OWNER/REPO")


def test_a_pull_tells_its_progress_and_the_folder(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ensure(_name: str, progress: Progress) -> Path:
        for done in range(3):
            progress("download", done, 2)
        return installed

    monkeypatch.setattr(library, "ensure", ensure)
    result = run("pull", "smollm2")
    assert (result.exit_code, result.stdout) == (0, f"{installed}\n")
    assert result.stderr == "smollm2: download ...\n"


def test_a_pull_that_fails_is_one_line_and_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def ensure(_name: str, _progress: Progress) -> Path:
        raise FetchError("no network; or serve a model of your own")

    monkeypatch.setattr(library, "ensure", ensure)
    result = run("pull", "smollm2")
    assert result.exit_code == 1
    assert result.stderr == "Error: no network; or serve a model of your own\n"


def test_an_unknown_model_is_one_line_and_status_1() -> None:
    result = run("pull", "gpt-7")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There is no model 'gpt-7'")
    assert result.stderr.count("\n") == 1
