"""How long a line has stood: as git knows it, else as the file's time says."""

import os
import subprocess
from pathlib import Path

import pytest

from forebay.doctor.ages import ages


def test_without_git_a_line_is_as_old_as_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("one\ntwo\n")
    os.utime(path, (1000, 1000))
    assert ages(path, 1500.0) == {1: 500.0, 2: 500.0, 3: 500.0}


@pytest.mark.needs("git")
def test_with_git_a_line_is_as_old_as_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"

    def commit(text: str, at: int) -> None:
        path.write_text(text)
        date = f"@{at} +0000"
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}
        environ = {**os.environ, **who, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        for command in (["add", "a.yaml"], ["commit", "-qm", "x"]):
            subprocess.run(["git", "-C", str(tmp_path), *command], check=True, env=environ)

    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    commit("one\n", 1_700_000_000)
    commit("one\ntwo\n", 1_700_000_500)
    found = ages(path, 1_700_001_000.0)
    assert (found[1], found[2]) == (1000.0, 500.0)
