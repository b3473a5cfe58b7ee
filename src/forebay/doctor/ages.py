"""For how long a line of a file has stood there: by its git history, else since the file was last changed."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SECONDS: Final = 10.0
_HEAD: Final = re.compile(rb"^[0-9a-f]{40,64} \d+ (\d+)")
_TIME: Final = b"author-time "


def ages(path: Path, now: float) -> Mapping[int, float]:
    """Seconds by line number. A line that is not committed yet is new."""
    changed = max(0.0, now - path.stat().st_mtime)
    lines = path.read_bytes().count(b"\n") + 1
    return {**dict.fromkeys(range(1, lines + 1), changed), **_committed(path, now)}


def _committed(path: Path, now: float) -> Mapping[int, float]:
    command = ["git", "-C", str(path.parent), "blame", "--line-porcelain", "--", path.name]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603  # no shell
    except (OSError, subprocess.SubprocessError):  # no git, or no file of it
        return {}
    found: dict[int, float] = {}
    line = 0
    for each in done.stdout.splitlines():
        if head := _HEAD.match(each):
            line = int(head[1])
        elif each.startswith(_TIME):
            found[line] = max(0.0, now - int(each.removeprefix(_TIME)))
    return found
