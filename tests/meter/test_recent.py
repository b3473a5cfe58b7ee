"""The latest requests are remembered, by one process or by all that share a folder."""

from pathlib import Path

import pytest

from forebay.core.requestlog import RequestQuery
from forebay.core.story import Story
from forebay.meter import recent
from forebay.meter.recent import Recent
from tests.support.records import record


async def test_only_the_latest_are_remembered() -> None:
    log = Recent(limit=3)
    log([record(number, at=float(number)) for number in range(10)])
    assert [each.id[-1] for each in await log.latest(RequestQuery(), 9)] == ["9", "8", "7"]
    assert await log.find("req_00000001") == ()
    assert [each.at for each in await log.find("req_00000008")] == [8.0]


async def test_processes_know_what_the_others_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Recent(tmp_path), Recent(tmp_path)
    monkeypatch.setattr("os.getpid", lambda: 1)
    first([record(1, at=1.0, story=Story(error="oops"))])
    monkeypatch.setattr("os.getpid", lambda: 2)
    second([record(2, at=2.0, status=404)])
    for log in (first, second):
        (found,) = await log.find("req_00000001")
        assert found.story == Story(error="oops")
        assert [each.at for each in await log.latest(RequestQuery(), 9)] == [2.0, 1.0]
        assert [each.at for each in await log.latest(RequestQuery(statuses=(400, 500)), 9)] == [2.0]
        assert await log.latest(RequestQuery(tenant="other"), 9) == []


async def test_files_are_bounded_and_half_a_line_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "FILE_BYTES", 2000)
    log = Recent(tmp_path)
    for number in range(50):
        log([record(number, at=float(number))])
        assert _size(tmp_path) < 3 * 2000
    _append(tmp_path / "0.requests", b'{"id": "req_half')
    assert [each.at for each in await log.latest(RequestQuery(), 1)] == [49.0]
    assert await log.find("req_half") == []


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _append(file: Path, data: bytes) -> None:
    with file.open("ab") as out:
        out.write(data)
