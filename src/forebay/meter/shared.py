"""Adds up the figures of several worker processes: each leaves its own in a folder, whoever is asked reads them all."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from forebay.core.families import Family
from forebay.core.types import Record
from forebay.meter.exposition import NO_SUMS, Families, Gauges, Sums
from forebay.meter.guards import GuardCounts, merged
from forebay.meter.metrics import Metrics, Snapshot, merge


class Published(msgspec.Struct):
    """What one process leaves: its counts, what its providers tell, and figures of which the server's are the sums."""

    counts: Snapshot
    gauges: dict[str, dict[str, float]] = {}
    families: dict[str, list[Family]] = {}
    sums: dict[str, dict[str, dict[str, float]]] = {}
    guards: GuardCounts = msgspec.field(default_factory=GuardCounts)


class Shared:
    """The folder; as a sink of the journal it writes this process's figures whenever they have changed.

    ``guards`` counts what the guards of this process do.

    A file outlives its process, so that no counter of the server ever falls. What its providers told does not.
    """

    def __init__(
        self,
        folder: Path,
        metrics: Metrics,
        gauges: Callable[[], Gauges],
        families: Callable[[], Families],
        sums: Callable[[], Sums] = lambda: NO_SUMS,
    ) -> None:
        self._folder = folder
        self._file = folder / f"{os.getpid()}.msgpack"
        self._metrics = metrics
        self._gauges = gauges
        self._families = families
        self._sums = sums
        self.guards = GuardCounts()
        self._written = b""

    def __call__(self, records: Sequence[Record]) -> None:  # noqa: ARG002  # a sink's signature
        """Write the figures if they have changed, in one step."""
        families = {name: list(theirs) for name, theirs in self._families().items()}
        sums = {family: _copied(gauges) for family, gauges in self._sums().items()}
        known = _copied(self._gauges())
        data = msgspec.msgpack.encode(Published(self._metrics.snapshot, known, families, sums, self.guards))
        if data != self._written:
            draft = self._file.with_suffix(".new")
            draft.write_bytes(data)
            draft.replace(self._file)
            self._written = data

    def total(self) -> tuple[Snapshot, Gauges, Families, Sums]:
        """The sums of all processes' counts; of those that live what the providers tell, and the other sums."""
        found = {file: msgspec.msgpack.decode(file.read_bytes(), type=Published) for file in self._files()}
        gauges: dict[str, Mapping[str, float]] = {}
        families: dict[str, Sequence[Family]] = {}
        sums: dict[str, dict[str, dict[str, float]]] = {}
        for file, each in found.items():
            if _lives(int(file.stem)):
                gauges |= each.gauges
                families |= each.families
                for family, theirs in each.sums.items():
                    _add(sums.setdefault(family, {}), theirs)
        return merge(each.counts for each in found.values()), gauges, families, sums

    def guards_of_all(self) -> GuardCounts:
        """What the guards of all processes did."""
        return merged(msgspec.msgpack.decode(file.read_bytes(), type=Published).guards for file in self._files())

    def _files(self) -> Iterable[Path]:
        return self._folder.glob("*.msgpack")


def _lives(process: int) -> bool:
    if sys.platform == "win32":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def _copied(gauges: Gauges) -> dict[str, dict[str, float]]:
    return {name: dict(values) for name, values in gauges.items()}


def _add(sums: dict[str, dict[str, float]], gauges: Gauges) -> None:
    for name, values in gauges.items():
        mine = sums.setdefault(name, {})
        for gauge, value in values.items():
            mine[gauge] = mine.get(gauge, 0) + value
