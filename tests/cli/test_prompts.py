"""``forebay prompts``: from files into the store and back, without a server."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forebay.cli.prompts import prompts

FILE = "---\nvariables: {{who: {{type: string, maxLength: 9}}}}\nlabels: [next]\n---\n{} {{{{who}}}}.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "forebay.yaml").write_text(f'store: {{url: "sqlite:///{tmp_path}/forebay.db"}}\n')
    (tmp_path / "support.md").write_text(FILE.format("Help"))
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(prompts, [*arguments, "--config", str(folder / "forebay.yaml")])


def test_a_prompt_is_pushed_labelled_shown_and_compared(folder: Path) -> None:
    file = str(folder / "support.md")
    assert run(folder, "push", file).output == "support@1\n"
    assert run(folder, "push", file).output == "support@1\n"
    (folder / "support.md").write_text(FILE.format("Serve"))
    assert run(folder, "push", file).output == "support@2\n"
    assert run(folder, "label", "support", "production", "1=90", "2=10").exit_code == 0
    assert run(folder, "list").output == "support  versions 1, 2  (next: 2; production: 1=90, 2=10)\n"
    assert "Help" in run(folder, "show", "support", "1").output
    assert "Serve" in run(folder, "show", "support", "next").output
    changed = run(folder, "diff", "support", "1", "next")
    assert changed.exit_code == 1
    assert "+- role: system" not in changed.output
    assert "Serve" in changed.output
    assert run(folder, "diff", "support", "2", "next").exit_code == 0
    assert run(folder, "label", "support", "production").output == "support: production is gone\n"


def test_lint_tells_what_is_doubtful(folder: Path) -> None:
    good = CliRunner().invoke(prompts, ["lint", str(folder)])
    assert good.exit_code == 1, "forebay.yaml is no prompt"
    good = CliRunner().invoke(prompts, ["lint", str(folder / "support.md")])
    assert good.exit_code == 0, good.output
    long = CliRunner().invoke(prompts, ["lint", "--budget", "1", str(folder / "support.md")])
    assert long.exit_code == 1
    assert "over-budget" in long.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "none"), "no such prompt"),
        (("label", "none", "x", "1"), "no such prompt"),
        (("label", "none", "x", "one"), "no version"),
        (("label", "none", "x", "1=0"), "more than 0"),
    ],
)
def test_what_cannot_be_done_is_told(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    result = run(folder, *arguments)
    assert result.exit_code != 0
    assert told in result.output


def test_without_a_store_only_files_can_be_read(folder: Path) -> None:
    path = folder / "prompts"
    path.mkdir()
    (folder / "support.md").rename(path / "support.md")
    (folder / "forebay.yaml").write_text(f'prompts: {{folder: "{path}"}}\n')
    assert "Help" in run(folder, "show", "support").output
    assert "no 'store'" in run(folder, "push", str(path)).output
