"""Figures of several processes, added up through a folder."""

from pathlib import Path

import pytest

from forebay.meter.metrics import Metrics
from forebay.meter.shared import Shared
from tests.meter.test_journal import RECORD


def process(
    folder: Path, pid: int, monkeypatch: pytest.MonkeyPatch, gauges: dict[str, float]
) -> tuple[Metrics, Shared]:
    monkeypatch.setattr("os.getpid", lambda: pid)
    metrics = Metrics()
    return metrics, Shared(folder, metrics, lambda: {f"engine-{pid}": gauges})


def test_counts_add_up_and_gauges_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, first_shared = process(tmp_path, 1, monkeypatch, {"running": 2})
    second, second_shared = process(tmp_path, 2, monkeypatch, {"running": 3})
    first([RECORD])
    second([RECORD, RECORD])
    first_shared([])
    second_shared([])
    counts, gauges = first_shared.total()
    assert counts["m", "p/x"].ended == {(200, "ok"): 3}
    assert gauges == {"engine-1": {"running": 2}, "engine-2": {"running": 3}}


def test_a_process_that_is_gone_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, gone_shared = process(tmp_path, 1, monkeypatch, {})
    gone([RECORD])
    gone_shared([RECORD])
    _, shared = process(tmp_path, 2, monkeypatch, {})
    shared([])
    assert shared.total()[0]["m", "p/x"].ended == {(200, "ok"): 1}


def test_nothing_is_written_while_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, shared = process(tmp_path, 1, monkeypatch, {})
    shared([])
    (file,) = tmp_path.glob("*.msgpack")
    file.unlink()
    shared([])
    assert not file.exists()
    metrics([RECORD])
    shared([RECORD])
    assert file.exists()
