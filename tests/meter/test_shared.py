"""Figures of several processes, added up through a folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forebay.core.families import Family, Sample
from forebay.meter.metrics import Metrics
from forebay.meter.shared import Shared
from tests.meter.test_journal import RECORD

HERE, PARENT = os.getpid(), os.getppid()
FAMILY = Family("vllm:running", "gauge", "Running.", (Sample("vllm:running", 'engine="0"', "1.0"),))


def process(
    folder: Path, pid: int, monkeypatch: pytest.MonkeyPatch, gauges: dict[str, float]
) -> tuple[Metrics, Shared]:
    monkeypatch.setattr("os.getpid", lambda: pid)
    metrics = Metrics()
    return metrics, Shared(folder, metrics, lambda: {f"engine-{pid}": gauges}, lambda: {f"vllm-{pid}": [FAMILY]})


def ended() -> int:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as child:
        return child.pid


def test_counts_add_up_and_gauges_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, first_shared = process(tmp_path, HERE, monkeypatch, {"running": 2})
    second, second_shared = process(tmp_path, PARENT, monkeypatch, {"running": 3})
    first([RECORD])
    second([RECORD, RECORD])
    first_shared([])
    second_shared([])
    counts, gauges, families, _ = first_shared.total()
    assert counts["m", "p/x"].ended == {(200, "ok", ""): 3}
    assert gauges == {f"engine-{HERE}": {"running": 2}, f"engine-{PARENT}": {"running": 3}}
    assert families == {f"vllm-{HERE}": [FAMILY], f"vllm-{PARENT}": [FAMILY]}


def test_a_process_that_is_gone_still_counts_but_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, gone_shared = process(tmp_path, ended(), monkeypatch, {"running": 7})
    gone([RECORD])
    gone_shared([RECORD])
    _, shared = process(tmp_path, HERE, monkeypatch, {})
    shared([])
    counts, gauges, families, _ = shared.total()
    assert counts["m", "p/x"].ended == {(200, "ok", ""): 1}
    assert gauges == {f"engine-{HERE}": {}}
    assert list(families) == [f"vllm-{HERE}"]


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


def test_what_deployments_do_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = {"p/x": {"running": 2.0}}
    for pid in (HERE, PARENT, ended()):
        process(tmp_path, pid, monkeypatch, {})
        shared = Shared(tmp_path, Metrics(), dict, dict, lambda: {"deployment": running})
        shared([])
    assert shared.total()[3] == {"deployment": {"p/x": {"running": 4.0}}}
