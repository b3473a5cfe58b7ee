"""Adds up the figures of several worker processes: each leaves its own in a folder, whoever is asked reads them all."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from forebay.core.types import Record
from forebay.meter.exposition import Gauges
from forebay.meter.metrics import Metrics, Snapshot, merge


class Published(msgspec.Struct):
    """What one process leaves: its counts and its gauges."""

    counts: Snapshot
    gauges: dict[str, dict[str, float]] = {}


class Shared:
    """The folder; as a sink of the journal it writes this process's figures whenever they have changed.

    A file outlives its process, so that no counter of the server ever falls.
    """

    def __init__(self, folder: Path, metrics: Metrics, gauges: Callable[[], Gauges]) -> None:
        self._folder = folder
        self._file = folder / f"{os.getpid()}.msgpack"
        self._metrics = metrics
        self._gauges = gauges
        self._written = b""

    def __call__(self, records: Sequence[Record]) -> None:  # noqa: ARG002  # a sink's signature
        """Write the figures if they have changed, in one step."""
        gauges = {name: dict(values) for name, values in self._gauges().items()}
        data = msgspec.msgpack.encode(Published(self._metrics.snapshot, gauges))
        if data != self._written:
            draft = self._file.with_suffix(".new")
            draft.write_bytes(data)
            draft.replace(self._file)
            self._written = data

    def total(self) -> tuple[Snapshot, Gauges]:
        """The sums of all processes' counts, and everybody's gauges."""
        found = list(self._all())
        gauges: dict[str, Mapping[str, float]] = {}
        for each in found:
            gauges |= each.gauges
        return merge(each.counts for each in found), gauges

    def _all(self) -> Iterable[Published]:
        for file in self._folder.glob("*.msgpack"):
            yield msgspec.msgpack.decode(file.read_bytes(), type=Published)
