"""``forebay import litellm`` as a user calls it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forebay.cli import main

OLD = """\
model_list:
  - model_name: fast
    litellm_params: {model: groq/llama, api_key: gsk_written_down_42, temperature: 0.1}
general_settings: {master_key: os.environ/MASTER}
"""


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["import", "litellm", *map(str, arguments)])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(OLD)
    return file


def test_what_is_written_can_be_used(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / "forebay.yaml"
    result = call(old, "--output", new)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "model_list[0].litellm_params.temperature: is a default" in result.stderr
    assert "GROQ_API_KEY  (its value stands at model_list[0].litellm_params.api_key)" in result.stderr
    assert "gsk_written" not in result.stderr + new.read_text()
    monkeypatch.setenv("GROQ_API_KEY", "x")
    monkeypatch.setenv("MASTER", "y")
    checked = CliRunner().invoke(main, ["config", "check", str(new)])
    assert checked.exit_code == 0
    assert "fast → groq: llama" in checked.output


def test_without_a_place_to_write_it_is_shown(old: Path) -> None:
    result = call(old)
    assert result.exit_code == 0
    assert result.stdout.startswith("# Imported from config.yaml")
    assert "Not carried over" in result.stderr


def test_an_entry_that_is_left_out_is_a_failure(old: Path, tmp_path: Path) -> None:
    old.write_text(OLD.replace("general", "  - litellm_params: {model: groq/other}\ngeneral"))
    new = tmp_path / "forebay.yaml"
    result = call(old, "--output", new)
    assert result.exit_code == 1
    assert "model_list[1]: has no 'model_name'" in result.stderr
    assert "left out of the new file, for the reasons above: model_list[1]\n" in result.stderr
    assert "fast" in new.read_text()


def test_no_file_is_overwritten(old: Path) -> None:
    result = call(old, "--output", old)
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert old.read_text() == OLD


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "empty"), (b"[1]", "no mapping"), (b"{", "not valid YAML"), (b"\xff\xfe\x80", "UTF-8")]
)
def test_what_cannot_be_read(tmp_path: Path, data: bytes, why: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(data)
    result = call(file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert why in result.stderr
    assert "Traceback" not in result.stderr
