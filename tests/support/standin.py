"""Settings that start the stand-in for vLLM, and what it has left in its folder."""

import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import psutil

from tests.support.vllm_serve import Script, Started

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.support.vllm_serve", "serve"]
# Quick, but as patient as a busy machine needs.
PATIENCE = {"start_timeout": 30, "stop_timeout": 5, "restart": {"pause": 0.01}}


def options(folder: Path, **script: Any) -> dict[str, Any]:
    """The keys of a ``kind: vllm`` that runs the stand-in with that script."""
    model = folder / "tiny"
    model.mkdir(parents=True, exist_ok=True)
    written = msgspec.json.encode(Script(str(folder), **script)).decode()
    return {"model": str(model), "command": COMMAND, "env": {"STANDIN": written, "PYTHONPATH": str(ROOT)}, **PATIENCE}


def starts(folder: Path) -> list[Started]:
    """Every start so far, the first one first."""
    files = sorted(folder.glob("*.json"), key=lambda file: int(file.stem))
    return [msgspec.json.decode(file.read_bytes(), type=Started) for file in files]


def lives(pid: int) -> bool:
    """Whether that process runs; one that has ended and that nobody has asked about does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def left_over(folder: Path) -> list[int]:
    """The processes of all starts that still run."""
    return [pid for each in starts(folder) for pid in (each.pid, each.grandchild) if lives(pid)]


def kill(pid: int) -> None:
    os.kill(pid, 9)
