"""Adds up the figures of several worker processes: each leaves its own in a folder, whoever is asked reads them all."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from forebay.core.types import Family, Record
from forebay.meter.exposition import Families, Gauges
from forebay.meter.metrics import Metrics, Snapshot, merge


class Published(msgspec.Struct):
    """What one process leaves: its counts, and what its providers tell."""

    counts: Snapshot
    gauges: dict[str, dict[str, float]] = {}
    families: dict[str, list[Family]] = {}


class Shared:
    """The folder; as a sink of the journal it writes this process's figures whenever they have changed.

    A file outlives its process, so that no counter of the server ever falls. What its providers told does not.
    """

    def __init__(
        self, folder: Path, metrics: Metrics, gauges: Callable[[], Gauges], families: Callable[[], Families]
    ) -> None:
        self._folder = folder
        self._file = folder / f"{os.getpid()}.msgpack"
        self._metrics = metrics
        self._gauges = gauges
        self._families = families
        self._written = b""

    def __call__(self, records: Sequence[Record]) -> None:  # noqa: ARG002  # a sink's signature
        """Write the figures if they have changed, in one step."""
        gauges = {name: dict(values) for name, values in self._gauges().items()}
        families = {name: list(theirs) for name, theirs in self._families().items()}
        data = msgspec.msgpack.encode(Published(self._metrics.snapshot, gauges, families))
        if data != self._written:
            draft = self._file.with_suffix(".new")
            draft.write_bytes(data)
            draft.replace(self._file)
            self._written = data

    def total(self) -> tuple[Snapshot, Gauges, Families]:
        """The sums of all processes' counts, and what the providers of those that live tell."""
        found = {file: msgspec.msgpack.decode(file.read_bytes(), type=Published) for file in self._files()}
        gauges: dict[str, Mapping[str, float]] = {}
        families: dict[str, Sequence[Family]] = {}
        for file, each in found.items():
            if _lives(int(file.stem)):
                gauges |= each.gauges
                families |= each.families
        return merge(each.counts for each in found.values()), gauges, families

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
