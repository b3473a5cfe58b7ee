"""Servers as processes of their own: starts and stops them, and says what memory and time they take."""

import contextlib
import http.client
import importlib.util
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KEY = "sk-1234"
"""The key with which everything measured here is asked."""

STOP_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")


class NotStartedError(Exception):
    """A server ended, or did not answer in time."""


@dataclass(frozen=True)
class Server:
    """How a server is started, and the port of 127.0.0.1 on which it answers."""

    name: str
    command: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the server is reached."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def running(server: Server, folder: Path, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """The server's process, in a group of its own that is gone at the end; it works and logs in ``folder``.

    Raises:
        NotStartedError: something else listens on its port, or its command cannot be run.
    """
    process = _start(server, folder, prefix)
    try:
        yield process
    finally:
        _stop(process)


def explain(error: Exception, server: Server, folder: Path) -> str:
    """What went wrong with the server, and where it may have said more."""
    log = _log_file(server, folder)
    return f"{error}; see {log}" if log.exists() and log.stat().st_size else str(error)


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float, pause: float) -> None:
    """Ask ``ready`` again and again, with ``pause`` seconds between, until it says yes.

    Raises:
        NotStartedError: the process ended, or ``seconds`` have passed.
    """
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise NotStartedError(f"it ended with status {process.returncode}")
        if time.monotonic() > end:
            raise NotStartedError(f"no answer after {seconds:g} s")
        time.sleep(pause)


def answers(url: str, body: bytes | None = None, trusted: Path | None = None) -> bool:
    """Whether a request with the key brings status 200; ``trusted`` is the certificate of a server that speaks TLS."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(url, body, headers)
    try:
        context = ssl.create_default_context(cafile=trusted) if trusted else None
        with urllib.request.urlopen(request, timeout=3, context=context) as reply:
            return bool(reply.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def memory(process: subprocess.Popen[bytes]) -> int:
    """Bytes that the process and its descendants take, with each shared page divided among those who share it."""
    total = 0
    for pid in _family(process.pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Processor time that the process and its descendants have had."""
    total = 0
    for pid in _family(process.pid):
        with contextlib.suppress(OSError):
            fields = _stat(pid)
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def allow_many_files() -> None:
    """Let everything that is started from here open as many files as this user may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def forebay() -> str:
    """The command ``forebay`` beside the interpreter that runs this."""
    return str(Path(sys.executable).parent / "forebay")


def compile_forebay() -> None:
    """Compile Forebay and what is installed beside it: with PYTHONDONTWRITEBYTECODE each start would do so again."""
    spec = importlib.util.find_spec("forebay")
    folders = [sysconfig.get_path("purelib"), *(spec.submodule_search_locations or [] if spec else [])]
    # Some packages hold templates that do not compile; nobody imports those.
    subprocess.run([sys.executable, "-m", "compileall", "-qq", "-j", "0", *folders], check=False)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command, which may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _log_file(server: Server, folder: Path) -> Path:
    return folder / f"{server.name}.log"


def _start(server: Server, folder: Path, prefix: Sequence[str]) -> subprocess.Popen[bytes]:
    if _is_taken(server.port):
        raise NotStartedError(f"port {server.port} is taken")
    with _log_file(server, folder).open("wb") as log:
        try:
            return subprocess.Popen(
                [*prefix, *server.command],
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**os.environ, **server.environment},
                start_new_session=True,
            )
        except OSError as error:
            raise NotStartedError(str(error)) from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end; what has not ended in time is killed."""
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
