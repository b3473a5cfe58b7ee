"""Figures and log lines about what guards did."""

import io
import json
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from forebay.core.verdicts import Found, Judgement
from forebay.meter.audit import BATCH, Audit
from forebay.meter.guards import GuardCounts, merged, render
from forebay.meter.metrics import Metrics
from forebay.meter.shared import Shared

FOUND = Found(3, 9, "email", "0123456789abcdef")
JUDGEMENT = Judgement(
    0.0, "req_1", "alice", "team", "m", "policy", "pii", "pii", "1.0", "input", "mask", "fixed", 0.001, 0.9, (FOUND,)
)
PASSED = msgspec.structs.replace(JUDGEMENT, action="pass", outcome="passed", spans=())
LATE = msgspec.structs.replace(JUDGEMENT, action="error", outcome="failed", error="timeout", spans=())
ODD = msgspec.structs.replace(LATE, error="SomeOddError")


def counted(*judgements: Judgement) -> GuardCounts:
    counts = GuardCounts()
    for each in judgements:
        counts.count(each)
    return counts


def test_figures_are_what_prometheus_reads() -> None:
    families = {
        each.name: each for each in text_string_to_metric_families(render(counted(JUDGEMENT, PASSED, LATE, ODD)))
    }
    verdicts = {each.labels["outcome"]: each.value for each in families["forebay_guard_verdicts"].samples}
    assert verdicts == {"fixed": 1, "passed": 1, "failed": 2}
    errors = {each.labels["error"]: each.value for each in families["forebay_guard_errors"].samples}
    assert errors == {"timeout": 1, "failure": 1}
    assert "forebay_guard_holdback_seconds" in families


def test_nothing_is_told_of_no_guards() -> None:
    assert render(GuardCounts()) == ""


def test_counts_of_processes_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = []
    for process in (1, 2):
        monkeypatch.setattr("os.getpid", lambda process=process: process)
        shared = Shared(tmp_path, Metrics(), dict, dict)
        shared.guards.count(JUDGEMENT)
        shared([])
        every.append(shared)
    assert every[0].guards_of_all() == merged([counted(JUDGEMENT), counted(JUDGEMENT)])


def test_the_log_tells_what_guards_object_to() -> None:
    out = io.StringIO()
    audit = Audit(GuardCounts(), out)
    for each in (JUDGEMENT, PASSED, LATE):
        audit.judged(each)
    assert not out.getvalue()
    audit.flush(())
    first, second = out.getvalue().splitlines()
    assert "guard pii input mask outcome=fixed score=0.900 spans=email@3-9#0123456789abcdef" in first
    assert "error=timeout" in second


def test_the_log_is_json_too() -> None:
    out = io.StringIO()
    audit = Audit(GuardCounts(), out, "json")
    audit.judged(JUDGEMENT)
    audit.flush(())
    assert json.loads(out.getvalue())["spans"][0]["hash"] == FOUND.hash


def test_a_flood_is_written_at_once() -> None:
    out = io.StringIO()
    audit = Audit(GuardCounts(), out)
    for _ in range(BATCH):
        audit.judged(JUDGEMENT)
    assert out.getvalue().count("\n") == BATCH


def test_without_a_log_nothing_waits() -> None:
    counts = GuardCounts()
    Audit(counts, None).judged(JUDGEMENT)
    assert sum(counts.verdicts.values()) == 1
