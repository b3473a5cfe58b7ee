"""Where rows wait on disk until they are in the database: files of lines, sealed, delivered and deleted in order.

    OWNER.lock                     locked by the process that writes OWNER's files, for as long as it lives
    OWNER-00000001.open            what it appends to
    OWNER-00000001.sealed          whole; to be delivered

A row may be delivered twice, when a process dies between delivery and deletion: whoever takes it knows it by its id.
What a dead process has left is delivered by another one, or by the next start.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

SEALED_BYTES: Final = 1024 * 1024
"""A file that has grown to this is sealed, so that delivering one takes bounded time and memory."""

LOCK, OPEN, SEALED = ".lock", ".open", ".sealed"


class FullError(Exception):
    """The journal holds all that it may, or the disk does."""


class Journal:
    """One process's part of the folder; threads may share it, and none waits for the disk while another appends."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._owner = f"{time.time_ns():020d}-{os.getpid()}"
        self._number = 0
        self._lock: IO[bytes] | None = None
        self._file: IO[bytes] | None = None
        self._size = 0
        self._waiting = 0
        self._changing = threading.Lock()

    def open(self) -> None:
        """Make the folder ready.

        Raises:
            OSError: it cannot be written to.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._folder / f"{self._owner}{LOCK}"
        while self._lock is None:
            lock.touch(mode=0o600)
            self._lock = _taken(lock)
        self._weigh()

    def append(self, lines: bytes) -> None:
        """Write whole ``lines``; they survive the process, and after a `flush` the machine as well.

        Raises:
            FullError: there is no room for them; none of them was written.
            OSError: the disk refuses; none of them was written.
        """
        with self._changing:
            if self._waiting + len(lines) > self._limit:
                raise FullError
            file = self._file or self._begin()
            written = os.write(file.fileno(), lines)
            if written < len(lines):  # half a line would spoil the next one
                os.ftruncate(file.fileno(), self._size)
                raise FullError
            self._size += written
            self._waiting += written

    def flush(self) -> None:
        """Have the disk hold what was appended.

        Raises:
            OSError: it does not.
        """
        with self._changing:
            if self._file is None:
                return
            number = os.dup(self._file.fileno())
            large = self._size >= SEALED_BYTES
        try:
            os.fsync(number)
        finally:
            os.close(number)
        if large:
            self.seal()

    def seal(self) -> None:
        """Let what was appended be delivered."""
        with self._changing:
            if self._file is not None:
                path = Path(self._file.name)
                self._file.close()
                self._file = None
                path.rename(path.with_suffix(SEALED))

    def sealed(self) -> Sequence[Path]:
        """The files of this process that are to be delivered, oldest first."""
        return sorted(self._folder.glob(f"{self._owner}-*{SEALED}"))

    def left(self) -> Sequence[Path]:
        """The files of processes that live no more, oldest first; those that left nothing are forgotten."""
        found: list[Path] = []
        for lock in self._folder.glob(f"*{LOCK}"):
            if lock.stem == self._owner or (held := _taken(lock)) is None:
                continue
            with held:
                files = [*self._folder.glob(f"{lock.stem}-*")]
                found += files
                if not files:
                    lock.unlink(missing_ok=True)
        return sorted(found)

    def delivered(self, path: Path) -> None:
        """``path`` is not needed any more."""
        path.unlink(missing_ok=True)
        self._weigh()

    def close(self) -> None:
        """Leave the folder; what is still in it is delivered by whoever comes next."""
        self.seal()
        if self._lock is not None:
            if not self.sealed():
                Path(self._lock.name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _begin(self) -> IO[bytes]:
        self._number += 1
        path = self._folder / f"{self._owner}-{self._number:08d}{OPEN}"
        path.touch(mode=0o600)
        self._file = path.open("ab", buffering=0)
        self._size = 0
        return self._file

    def _weigh(self) -> None:
        """How much is in the folder, whoever wrote it."""
        self._waiting = sum(map(_size, self._folder.iterdir()))


def _taken(path: Path) -> IO[bytes] | None:
    """``path``, locked; ``None`` if somebody who lives has it, or it is gone. The system unlocks what the dead had."""
    try:
        file = path.open("rb+")
    except FileNotFoundError:
        return None
    try:
        _lock(file)
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:  # else it was removed meanwhile
            return file
    except OSError:
        pass
    file.close()
    return None


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
