"""A lock between processes (and threads), held by the operating system: it ends with its holder, however that ends."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_PAUSE: Final = 0.1

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def held(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock that is the file ``path``; while another has it, ``waiting`` is called again and again.

    The file stays behind: deleting it would let two holders in.

    Raises:
        OSError: the file cannot be made, or its file system knows no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                _lock(handle)
            # That another holds it: EAGAIN here, EACCES on Windows.
            except (BlockingIOError, PermissionError):
                waiting()
                time.sleep(_PAUSE)
            else:
                break
        yield
    finally:
        os.close(handle)
