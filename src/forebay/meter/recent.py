"""Remembers the latest requests where there is no store: in memory, or for several processes in a folder they share.

PID.requests        lines of JSON that a process appends to, up to `FILE_BYTES`
PID.requests.old    what it wrote before that
"""

import asyncio
import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from forebay.core.requestlog import RequestQuery
from forebay.core.types import Record

LIMIT: Final = 4096
FILE_BYTES: Final = 4 * 1024 * 1024

NEW, OLD = ".requests", ".requests.old"

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Record)


class Recent:
    """A `RequestLog`, and the sink of the journal that fills it; with a ``folder`` it knows what others wrote there."""

    def __init__(self, folder: Path | None = None, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        # Nothing here is looked at by the garbage collector, which would otherwise walk over thousands of records.
        self._known: dict[str, Record] = {}
        self._ids: deque[str] = deque()

    def __call__(self, records: Sequence[Record]) -> None:
        """Remember ``records`` and forget the oldest."""
        if self._folder is not None and records:
            self._write(self._folder / f"{os.getpid()}{NEW}", records)
            return
        known, ids = self._known, self._ids
        for record in records[-self._limit :]:
            if record.id not in known:
                ids.append(record.id)
            known[record.id] = record
        while len(ids) > self._limit:
            del known[ids.popleft()]

    async def find(self, request_id: str) -> Sequence[Record]:
        """What there is of one request."""
        if self._folder is None:
            record = self._known.get(request_id)
            return () if record is None else (record,)
        mark = _ENCODER.encode(request_id)
        return await asyncio.to_thread(lambda: sorted(self._read(mark), key=_moment))

    async def latest(self, query: RequestQuery, limit: int) -> Sequence[Record]:
        """The latest of ``query``, newest first."""
        if self._folder is None:
            return sorted(filter(query.holds, self._known.values()), key=_moment, reverse=True)[:limit]
        return await asyncio.to_thread(
            lambda: sorted(filter(query.holds, self._read(b"")), key=_moment, reverse=True)[:limit]
        )

    def _write(self, file: Path, records: Sequence[Record]) -> None:
        with file.open("ab") as out:
            out.write(_ENCODER.encode_lines(records))
            large = out.tell() > FILE_BYTES
        if large:
            file.replace(file.with_suffix(OLD))

    def _read(self, mark: bytes) -> Iterator[Record]:
        """The records whose lines hold ``mark``, of all processes."""
        for file in [*(self._folder or Path()).glob(f"*{NEW}*")]:
            try:
                lines = file.read_bytes()
            except FileNotFoundError:  # it was just replaced
                continue
            if mark in lines:
                yield from _decoded(line for line in lines.splitlines() if mark in line)


def _decoded(lines: Iterator[bytes]) -> Iterator[Record]:
    for line in lines:
        try:
            yield _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):  # its end is still to come
            continue


def _moment(record: Record) -> tuple[float, str]:
    return record.at, record.id
