"""Brings records to a receiver of OTLP in a thread of its own, so that no request waits for one that is slow or away.

Between the two is a queue of bounded length: what comes while it is full is lost, and counted.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from forebay.core.types import Record
from forebay.meter.otlp.measures import Measures
from forebay.meter.otlp.spans import Spans

logger = logging.getLogger("forebay.telemetry")

QUEUE: Final = 20_000
BATCH: Final = 512
PAUSE_SECONDS: Final = 1.0


class Exporter:
    """A sink of the journal. ``spans`` and ``measures`` are exported where there is somebody who takes them.

    ``rate`` is how many traces a second are exported at most, ``interval`` the seconds between two exports of metrics.
    """

    def __init__(
        self,
        spans: tuple[Spans, SpanExporter] | None,
        measures: tuple[Measures, MetricExporter] | None,
        *,
        rate: int,
        interval: float,
        patience: float,
    ) -> None:
        self._spans = spans
        self._measures = measures
        self._rate = rate
        self._interval = interval
        self._patience = patience
        self._queue: deque[Record] = deque()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._left = float(rate)
        self._at = time.monotonic()
        self._due = time.monotonic() + interval
        self.lost = 0
        self.passed_over = 0

    def __call__(self, records: Sequence[Record]) -> None:
        """Take ``records``; those that there is no room for are lost."""
        room = QUEUE - len(self._queue)
        self._queue.extend(records[:room])
        self.lost += max(0, len(records) - room)

    async def start(self) -> None:
        """Begin to export."""
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Export what is left, as far as the receiver takes it in time."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, self._patience)
        if self.lost or self.passed_over:
            logger.warning("telemetry: %d records lost, %d traces beyond the rate", self.lost, self.passed_over)
        for each in (self._spans, self._measures):
            if each is not None:
                await asyncio.to_thread(each[1].shutdown)

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            self._export()
        self._due = 0.0
        self._export()

    def _export(self) -> None:
        """Everything in the queue, and the metrics if it is time."""
        made: list[ReadableSpan] = []
        queue, measures = self._queue, self._measures
        while queue:
            record = queue.popleft()
            if measures is not None:
                measures[0].add(record)
            if self._spans is not None and self._may_export(record):
                made += self._spans[0].of(record)
                if len(made) >= BATCH:
                    self._send(made)
                    made = []
        if made:
            self._send(made)
        if measures is not None and time.monotonic() >= self._due:
            self._due = time.monotonic() + self._interval
            told, exporter = measures[0].told(), measures[1]
            _safely(lambda: exporter.export(told) is MetricExportResult.SUCCESS, "metrics")

    def _may_export(self, record: Record) -> bool:
        story = record.story
        if story is None or story.place is None or not story.place.sampled:
            return False
        now = time.monotonic()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            self.passed_over += 1
            return False
        self._left -= 1
        return True

    def _send(self, made: Sequence[ReadableSpan]) -> None:
        if self._spans is not None:
            exporter = self._spans[1]
            _safely(lambda: exporter.export(made) is SpanExportResult.SUCCESS, "spans")


def _safely(export: Callable[[], bool], what: str) -> None:
    """Whatever an exporter raises, the next batch gets its chance."""
    try:
        if not export():
            logger.warning("telemetry: the receiver took no %s", what)
    except Exception as error:  # noqa: BLE001  # a library that talks to somebody's server
        logger.warning("telemetry: %s cannot be exported: %s", what, type(error).__name__)
