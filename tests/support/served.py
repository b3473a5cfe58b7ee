"""``forebay serve`` as a user starts it: a process of its own, the default model, nothing configured."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BANNER_SECONDS = 240
ADDRESS = re.compile(r"address\s+(https?://\S+)/v1")


class Served:
    """A running ``forebay serve``."""

    def __init__(self, process: subprocess.Popen[str], lines: list[str], url: str) -> None:
        self.process = process
        self.lines = lines
        self.url = url

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=30) as reply:
            text: str = reply.read().decode()
        return text

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as reply:
            answer: dict[str, Any] = json.load(reply)
        return answer

    def gauge(self, name: str) -> float:
        """The one figure called ``name``."""
        (line,) = [line for line in self.get("/metrics").splitlines() if line.startswith(f"forebay_engine_{name}{{")]
        return float(line.rpartition(" ")[2])


@contextlib.contextmanager
def forebay(
    *arguments: str, environ: dict[str, str] | None = None, patience: float = BANNER_SECONDS
) -> Iterator[Served]:
    """``forebay serve --port 0`` with ``arguments``, once it has said where it listens; interrupted at the end."""
    command = [sys.executable, "-m", "forebay", "serve", "--port", "0", *arguments]
    state = tempfile.TemporaryDirectory(prefix="forebay-state-")
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "XDG_STATE_HOME": state.name, **(environ or {})},
    )
    lines: list[str] = []
    found: list[str] = []
    listening = threading.Event()

    def read() -> None:
        for line in process.stdout or ():
            lines.append(line)
            if match := ADDRESS.search(line):
                found.append(match[1])
                listening.set()
        listening.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert listening.wait(patience), "no address"
        assert found, "".join(lines)
        yield Served(process, lines, found[0])
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            process.kill()
        reader.join()
        if process.stdout:
            process.stdout.close()
        state.cleanup()


SERVICES = """
providers:
  engine: {kind: forebay, base_url: "%s/v1"}
models:
  smollm2: {provider: engine}
  all-minilm-l6-v2: {provider: engine}
"""


class Services(NamedTuple):
    """The same in three processes; a browser and its clients know ``web``."""

    engine: Served
    gateway: Served
    web: Served


@contextlib.contextmanager
def forebay_services(folder: Path) -> Iterator[Services]:
    """An engine, a gateway before it and a page before that, each a ``forebay serve`` with a role."""
    config = folder / "gateway.yaml"
    with forebay("--role", "engine") as engine:
        config.write_text(SERVICES % engine.url)
        with (
            forebay("--role", "gateway", "--config", str(config)) as gateway,
            forebay("--role", "web", "--gateway", gateway.url) as web,
        ):
            yield Services(engine, gateway, web)
