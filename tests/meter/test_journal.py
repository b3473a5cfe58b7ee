"""Records reach every sink, later, in batches, none lost."""

import asyncio
import io
import json
from collections.abc import Sequence

import msgspec
import pytest

from forebay.core.types import Attempt, Record
from forebay.meter import journal as module
from forebay.meter.journal import Journal
from forebay.meter.log import JsonLog, TextLog, text_line

RECORD = Record(
    id="req_1",
    at=1_700_000_000.5,
    principal="alice",
    tenant="team",
    operation="chat/completions",
    model="m",
    deployment="p/x",
    status=200,
    outcome="ok",
    stream=True,
    prompt_tokens=7,
    completion_tokens=5,
    latency=0.5,
    ttft=0.1,
    tpot=0.1,
    queue=0.01,
    provider=0.09,
    overhead=0.0004,
)


async def test_records_are_flushed_by_the_journal_s_own_task() -> None:
    seen: asyncio.Queue[Sequence[Record]] = asyncio.Queue()
    journal = Journal([seen.put_nowait])
    await journal.start()
    journal.record(RECORD)
    journal.record(RECORD)
    assert await asyncio.wait_for(seen.get(), 5) == [RECORD, RECORD]
    journal.record(RECORD)
    await journal.close()
    assert seen.get_nowait() == [RECORD]


def test_a_full_journal_flushes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    batches: list[int] = []
    journal = Journal([lambda records: batches.append(len(records))])
    for _ in range(7):
        journal.record(RECORD)
    journal.flush()
    journal.flush()
    assert batches == [3, 3, 1, 0]


def test_a_line_tells_the_four_metrics() -> None:
    line = text_line(RECORD)
    assert line.endswith("id=req_1\n")
    for part in ("ttft=100.0ms", "tpot=100.0ms", "latency=500.0ms", "tokens=7+5", "throughput=10.0tok/s", "200"):
        assert part in line


def test_a_line_tells_when_one_attempt_was_not_enough() -> None:
    attempts = (Attempt("m", "p/x", "first", 0.0, 0.1, "upstream_error"), Attempt("m", "q/y", "next", 0.1, 0.2, "ok"))
    assert "attempts" not in text_line(RECORD)
    assert " attempts=2 " in text_line(msgspec.structs.replace(RECORD, attempts=attempts))


def test_a_name_cannot_forge_a_line() -> None:
    line = text_line(msgspec.structs.replace(RECORD, model="x\n2026 200 forged status=200"))
    assert line.count("\n") == 1
    assert "model='x\\n2026" in line


def test_the_json_log_has_every_field() -> None:
    out = io.StringIO()
    JsonLog(out)([RECORD, RECORD])
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(lines) == 2
    assert set(lines[0]) == set(Record.__struct_fields__)


def test_the_text_log_writes_a_line_a_record() -> None:
    out = io.StringIO()
    TextLog(out)([RECORD, msgspec.structs.replace(RECORD, ttft=None, tpot=None, latency=0.0)])
    assert out.getvalue().count("\n") == 2


@pytest.mark.parametrize(("cost", "shown"), [(None, "cost=- "), (0, "cost=$0 "), (127_500_000, "cost=$0.0001275 ")])
def test_a_line_tells_the_cost_and_an_unknown_one_is_not_nothing(cost: int | None, shown: str) -> None:
    assert shown in text_line(msgspec.structs.replace(RECORD, cost=cost))
