"""Which process works on a response, so that others know at once when it is dead."""

import os
import socket
import sys
from pathlib import Path


class Process:
    """This process, by a name that says where it runs: a machine, its numbers of processes, the number."""

    def __init__(self) -> None:
        self._host = f"{socket.gethostname()[:100]}{_namespace()}"
        self._pid = os.getpid()
        self.name = f"{self._host}/{self._pid}/{os.urandom(8).hex()}"

    def knows_dead(self, name: str) -> bool:
        """Whether the process called ``name`` is dead for sure; of other machines nothing is known."""
        host, _, rest = name.partition("/")
        pid, _, _token = rest.partition("/")
        if name == self.name or host != self._host or not pid.isdigit():
            return False
        return int(pid) == self._pid or not _lives(int(pid))


def _namespace() -> str:
    """Containers of one machine may share its name, but number their processes on their own."""
    try:
        return Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    if sys.platform == "win32":  # there, asking would be a signal
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
