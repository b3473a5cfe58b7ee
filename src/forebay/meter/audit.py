"""Takes the judgements of guards: all into the figures, and those that object to something into the log, in batches.

A line says who asked, which guard of which configuration, and what it found where; never the text itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

import msgspec

from forebay.core.types import Record
from forebay.core.verdicts import Judgement
from forebay.meter.guards import GuardCounts
from forebay.meter.metrics import TTFT

BATCH: Final = 4096


class Audit:
    """An `Auditor`; with ``out`` it writes lines there, as text to read or as JSON."""

    def __init__(self, counts: GuardCounts, out: TextIO | None, form: Literal["text", "json"] = "text") -> None:
        self._counts = counts
        self._out = out
        self._form = form
        self._waiting: list[Judgement] = []

    def judged(self, judgement: Judgement) -> None:
        """Count ``judgement``, and keep it for the log if it says anything."""
        self._counts.count(judgement)
        if self._out is not None and (judgement.outcome != "passed" or judgement.error):
            self._waiting.append(judgement)
            if len(self._waiting) >= BATCH:
                self.flush(())

    def held(self, seconds: float) -> None:
        """Count how long the first content of a stream was held back."""
        self._counts.held.observe(TTFT, seconds)

    def flush(self, _records: Sequence[Record]) -> None:
        """Write what waits; as a sink of the journal it does so whenever that flushes."""
        waiting, self._waiting = self._waiting, []
        if waiting and self._out is not None:
            if self._form == "json":
                self._out.write(msgspec.json.Encoder().encode_lines(waiting).decode())
            else:
                self._out.write("".join(map(text_line, waiting)))
            self._out.flush()


def text_line(judgement: Judgement) -> str:
    """``judgement`` as one line."""
    at = datetime.fromtimestamp(judgement.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    score = "-" if judgement.score is None else f"{judgement.score:.3f}"
    spans = ",".join(f"{each.kind or '-'}@{each.start}-{each.end}#{each.hash}" for each in judgement.spans)
    return (
        f"{at}Z guard {judgement.guard} {judgement.side} {judgement.action} outcome={judgement.outcome} "
        f"score={score} spans={spans or '-'} error={judgement.error or '-'} took={judgement.seconds * 1000:.2f}ms "
        f"model={judgement.model!r} principal={judgement.principal!r} policy={judgement.policy} "
        f"id={judgement.request_id}\n"
    )
