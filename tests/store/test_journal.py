"""What was appended is there until it is delivered, whatever happens to the process or the disk."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.store.journal import SEALED_BYTES, FullError, Journal

LIMIT = 10 * SEALED_BYTES

LIVE = """
import sys
from collections.abc import Iterator
from pathlib import Path
from forebay.store.journal import Journal
journal = Journal(Path(sys.argv[1]), 1000)
journal.open()
journal.append(b"theirs\\n")
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal", LIMIT)
    opened.open()
    yield opened
    opened.close()


def texts(journal: Journal) -> list[bytes]:
    return [path.read_bytes() for path in journal.sealed()]


def test_what_was_appended_is_sealed_in_its_order_and_gone_when_delivered(journal: Journal, tmp_path: Path) -> None:
    journal.append(b"1\n")
    journal.append(b"2\n")
    assert journal.sealed() == []
    journal.seal()
    journal.append(b"3\n")
    journal.seal()
    assert texts(journal) == [b"1\n2\n", b"3\n"]
    for path in journal.sealed():
        journal.delivered(path)
    journal.close()
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_file_that_has_grown_large_is_sealed(journal: Journal) -> None:
    journal.append(b"x" * SEALED_BYTES)
    journal.flush()
    assert len(journal.sealed()) == 1


def test_a_full_journal_refuses_until_something_is_delivered(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 10)
    journal.open()
    journal.append(b"123456789\n")
    with pytest.raises(FullError):
        journal.append(b"\n")
    journal.seal()
    journal.delivered(journal.sealed()[0])
    journal.append(b"\n")
    journal.close()


def test_half_a_line_on_a_full_disk_is_taken_back(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append(b"1\n")
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda number, lines: write(number, lines[:3]))
        with pytest.raises(FullError):
            journal.append(b"22222\n")
    journal.append(b"3\n")
    journal.seal()
    assert texts(journal) == [b"1\n3\n"]


def test_the_files_of_a_process_that_lives_are_its_own_and_left_when_it_is_killed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, LIMIT)
    journal.open()
    with subprocess.Popen(
        [sys.executable, "-c", LIVE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "written\n"
        assert journal.left() == []
        other.kill()
    (left,) = journal.left()
    assert left.read_bytes() == b"theirs\n"
    journal.delivered(left)
    assert journal.left() == []
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    journal.close()


def test_what_is_left_is_private(journal: Journal, tmp_path: Path) -> None:
    journal.append(b"1\n")
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "journal").iterdir()} == {0}
