"""The places of the model library on the disk, and the one way in which something gets into it: whole, by one rename.

This is what a user finds there:

$FOREBAY_HOME, or the platform's cache folder
├── locks/                    one file for each model that was ever made
├── downloads/                what has arrived of models from a hub, until they are made of it
│   └── smollm2-9f3b…/            `NAME`: what it is to become; files/: the files, whole or in part
└── models/
    ├── smollm2-1d0c4b8f1a2e/     the name, and a fingerprint of what it was made from
    │   ├── openvino_model.xml, .bin
    │   ├── openvino_tokenizer.xml, .bin, openvino_detokenizer.xml, .bin (a sentence embedder has vocab.txt)
    │   └── forebay.json          see `metadata`
    └── .smollm2-…                work in progress, swept away by the next one who wants that model
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from forebay.engine import locks, metadata
from forebay.engine.convert import MODEL
from forebay.engine.errors import LibraryError
from forebay.engine.metadata import Metadata
from forebay.plugins import Progress

NAME: Final = "NAME"
_FINGERPRINT: Final = 12


def home() -> Path:
    """Where Forebay keeps what it can make or fetch again."""
    if chosen := os.environ.get("FOREBAY_HOME"):
        return Path(chosen).expanduser().absolute()
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache).absolute() / "forebay"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "forebay" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "forebay"
    return Path.home() / ".cache" / "forebay"


def models() -> Path:
    """Where the models are."""
    return home() / "models"


def downloads() -> Path:
    """Where models from a hub arrive."""
    return home() / "downloads"


def folder_of(name: str, identity: str) -> Path:
    """Where the model called ``name`` that is made of ``identity`` belongs."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80] or "model"
    fingerprint = hashlib.sha256(f"{metadata.FORMAT} {identity}".encode()).hexdigest()[:_FINGERPRINT]
    return models() / f"{plain}-{fingerprint}"


def folders(place: Path) -> list[Path]:
    """What is in `models` or `downloads`, work in progress left out."""
    if not place.is_dir():
        return []
    return [folder for folder in place.iterdir() if folder.is_dir() and not folder.name.startswith(".")]


def is_whole(folder: Path) -> bool:
    """Whether ``folder`` has a model."""
    return (folder / metadata.FILE).is_file() and (folder / MODEL).is_file()


def size(folder: Path) -> int:
    """What ``folder`` takes on the disk, in bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def make(folder: Path, fill: Callable[[Path, Path], Metadata], progress: Progress) -> None:
    """Put a model into ``folder``, unless somebody else has: ``fill(work, target)`` fills ``target``.

    It may leave anything in ``work``.
    """
    with workshop(folder.name, progress) as work:
        if not is_whole(folder):
            target = work / folder.name
            target.mkdir()
            metadata.write(target, fill(work, target))
            _sync(target)
            if folder.exists():  # Somebody deleted a part of it by hand.
                folder.rename(work / "broken")
            target.rename(folder)


@contextlib.contextmanager
def workshop(name: str, progress: Progress) -> Iterator[Path]:
    """A folder to work in, on the library's disk, for the only one who works on ``name``; it is deleted afterwards."""
    place, lock = models(), home() / "locks" / name
    place.mkdir(parents=True, exist_ok=True)
    lock.parent.mkdir(exist_ok=True)
    prefix = f".{name}-"
    with locks.held(lock, lambda: progress("wait", 0, 0)):
        for left_over in place.glob(f"{prefix}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """What the disk complains about becomes a `LibraryError` with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise LibraryError(
                f"The disk of {home()} is full; free some space or set FOREBAY_HOME to a folder on a larger disk."
            ) from None
        ours = error.filename is None or Path(os.fsdecode(error.filename)).is_relative_to(home())
        remedy = "; set FOREBAY_HOME to a folder that can be written" if ours else ""
        raise LibraryError(f"{error.strerror or error}: {error.filename}{remedy}.") from None


def _sync(folder: Path) -> None:
    """Have everything in ``folder`` on the disk, so that not even a power cut makes a whole folder of half a model."""
    for file in folder.iterdir():
        with file.open("r+b") as opened:
            os.fsync(opened.fileno())
