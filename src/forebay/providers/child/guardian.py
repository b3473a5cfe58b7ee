"""Stands between Forebay and an engine's process, so that no engine outlives the Forebay that started it.

A program of its own: ``python -I guardian.py GRACE COMMAND...``. Its standard input is the lease. When that ends,
because Forebay closed it or died in whatever way, the command gets ``SIGTERM``, and after GRACE seconds its whole
process group gets ``SIGKILL``. When the command ends by itself, what it has left behind is killed and waited for,
because its memory and its port are needed by the next one. The exit status is the command's; 128 + N after signal N.

It imports nothing of Forebay's: it lives as long as the engine, and should be small.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

CANNOT_RUN = 127
SIGNALLED = 128
# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main(arguments: Sequence[str]) -> int:
    """Run the command until it ends or standard input does; its exit status."""
    grace, command = float(arguments[0]), arguments[1:]
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The lease alone counts. A handler that does nothing is, unlike SIG_IGN, not inherited by the command.
        signal.signal(each, lambda *_: None)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(  # noqa: S603  # what the configuration says
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509  # there is only one thread yet
        )
    except OSError as error:
        sys.stdout.write(f"{command[0]}: {error.strerror}\n")
        return CANNOT_RUN
    ended = threading.Event()
    threading.Thread(target=_end_with_lease, args=(child.pid, grace, ended), daemon=True).start()
    child.returncode = status = _waited_for(child.pid)
    ended.set()
    _end_rest(child.pid)
    return status if status >= 0 else SIGNALLED - status


def _dying_with(parent: int) -> Callable[[], None]:
    """For the new process: be killed when its parent is, which nothing but the kernel can promise."""

    def arrange() -> None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before that
            os.kill(os.getpid(), signal.SIGKILL)

    return arrange


def _waited_for(command: int) -> int:
    """The exit status of the command; orphans that came to us end on the way."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == command:
            return os.waitstatus_to_exitcode(status)


def _end_with_lease(command: int, grace: float, ended: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    with contextlib.suppress(ProcessLookupError):
        os.kill(command, signal.SIGTERM)
    if not ended.wait(grace):
        _kill_group(command)


def _end_rest(group: int) -> None:
    """Kill the command's descendants, those too that left its group, and wait until none is left."""
    _kill_group(group)
    with contextlib.suppress(ChildProcessError, FileNotFoundError):
        while True:
            for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split():
                os.kill(int(child), signal.SIGKILL)
            os.waitpid(-1, 0)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS's word for a group of zombies
        os.killpg(group, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
