"""Real identity providers, each a process of its own."""

import contextlib
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
MODULES = ROOT / ".node" / "node_modules"
HOME = "https://forebay.example"
"""Where browsers see the server that is tested."""

SECONDS = 60


class Identity:
    """A running provider: its issuer, and how to tell it what to say."""

    def __init__(self, issuer: str, process: subprocess.Popen[bytes]) -> None:
        self.issuer = issuer
        self._process = process

    def tell(self, **told: Any) -> None:
        """Change what the next tokens and redirections hold (`oauth2_mock_server.mjs` only)."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(told) + b"\n")
        self._process.stdin.flush()
        self.wait_for(b"told")

    def wait_for(self, sign: bytes) -> None:
        """Until it says ``sign``."""
        output = self._process.stdout
        assert output is not None
        while select.select([output], [], [], SECONDS)[0]:
            line = output.readline()
            assert line, "it has ended"
            if sign in line:
                return
        raise TimeoutError(sign)


@contextlib.contextmanager
def node(script: str, *arguments: str) -> Iterator[Identity]:
    """One of the two in ``tests/support``."""
    port = _free_port()
    command = ("node", str(ROOT / "tests" / "support" / script), str(MODULES), str(port), *arguments)
    with _running(command, port) as found:
        found.wait_for(b"listening")
        yield found


@contextlib.contextmanager
def python() -> Iterator[Identity]:
    """PyPI's ``oidc-provider-mock``."""
    port = _free_port()
    command = (sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port))
    with _running(command, port) as found:
        _wait_for_port(port)
        yield found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def _running(command: tuple[str, ...], port: int) -> Iterator[Identity]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        try:
            yield Identity(f"http://127.0.0.1:{port}", process)
        finally:
            process.kill()


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(port)
