"""Models of a hub, from a stand-in on this machine: taken whole or not at all, resumed, never asked twice."""

import hashlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from forebay.engine import convert, hub, library, metadata, shelf
from forebay.engine.errors import ConversionError, FetchError, LibraryError, UnknownModelError
from forebay.engine.reference import parse
from tests.support import tiny
from tests.support.hub import COMMIT, Asked, Hub, Refusal
from tests.support.hub import hub as running

pytestmark = [pytest.mark.engine, pytest.mark.needs("hub")]

SECRET = "hf_secretsecretsecret"
LLAMA = tiny.llama()
LARGE = bytes(range(256)) * 4096
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def there(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with a language model, in the environment of an empty library."""
    assert own_home
    with running({"owner/tiny-GGUF": {"README.md": b"# Tiny", "tiny-Q8_0.gguf": LLAMA}}) as found:
        for name in [name for name in os.environ if name.startswith("HF_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv("HF_TOKEN", SECRET)
        monkeypatch.setattr(hub, "PAUSE_SECONDS", 0.0)
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 5)
        yield found


@pytest.fixture
def large(there: Hub) -> Hub:
    """One with a file that takes several pieces to arrive."""
    there.repositories["owner/large"] = {"large.gguf": LARGE}
    return there


def fetched(folder: Path, name: str = "hf:owner/large") -> Path:
    return hub.fetch(hub.resolve(parse(name)), folder, lambda *_: None)


# What it does.


def test_a_gguf_is_fetched_converted_and_described(there: Hub) -> None:
    heard: list[tuple[str, int, int]] = []
    folder = library.ensure("hf:owner/tiny-GGUF", lambda *told: heard.append(told))
    about = metadata.read(folder)
    assert (about.name, about.architecture) == ("hf:owner/tiny-GGUF", "llama")
    assert about.source == f"hf:owner/tiny-GGUF:tiny-Q8_0.gguf@{COMMIT}"
    assert about.sha256 == hashlib.sha256(LLAMA).hexdigest()
    assert ("download", len(LLAMA), len(LLAMA)) in heard
    assert list(dict.fromkeys(stage for stage, *_ in heard)) == ["ask", "download", "convert"]
    assert [asked.path for asked in there.asked] == [
        "/api/models/owner/tiny-GGUF",
        f"/owner/tiny-GGUF/resolve/{COMMIT}/tiny-Q8_0.gguf",
        "/lfs/owner/tiny-GGUF/tiny-Q8_0.gguf",
    ]


def test_it_is_stored_once(there: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = library.ensure("hf:owner/tiny-GGUF")
    assert there.asked
    assert not list(shelf.downloads().iterdir())
    assert not (tmp_path / "hub").exists()
    assert not list(shelf.home().rglob("*.gguf"))
    assert library.remove("hf:owner/tiny-GGUF") > 0
    assert not folder.exists()


def test_the_second_time_no_hub_is_asked(there: Hub) -> None:
    first = library.ensure("hf:owner/tiny-GGUF")
    there.asked.clear()
    there.refuse = lambda _asked: Refusal(500)
    assert library.ensure("hf:owner/tiny-GGUF") == first == library.find("hf:owner/tiny-GGUF")
    assert library.ensure(metadata.read(first).source) == first
    assert not there.asked
    code = "from forebay.engine import library; import sys; library.ensure('hf:owner/tiny-GGUF')"
    code += "; assert not {'huggingface_hub', 'httpx2', 'numpy', 'openvino'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_names_of_the_same_are_the_same(there: Hub) -> None:
    names = ["hf:owner/tiny-GGUF", "hf:owner/tiny-GGUF:tiny-Q8_0.gguf", "hf:owner/tiny-GGUF@v1"]
    assert len({library.ensure(name) for name in names}) == 1
    assert len(there.transfers()) == 1
    there.refuse = lambda _asked: Refusal(500)
    assert len({library.ensure(name) for name in names}) == 1
    (only,) = library.list_models()
    assert only.name == names[0]
    library.remove(names[1])
    assert not library.list_models()


def test_a_sentence_embedder_is_fetched_without_anything_that_it_does_not_need(there: Hub, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in tiny.bert(tmp_path / "bert").iterdir()}
    there.repositories["owner/bert"] = {**files, "pytorch_model.bin": LARGE, "code.py": b"1", "onnx/model.onnx": LARGE}
    folder = library.ensure("hf:owner/bert")
    assert (folder / "vocab.txt").is_file()
    assert metadata.read(folder).architecture == "bert"
    asked = {each.path.rpartition("/")[2] for each in there.asked if each.path.startswith(("/lfs/", "/owner/"))}
    assert asked == set(files)


def test_the_token_goes_to_the_hub_alone_and_nowhere_else(there: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        folder = library.ensure("hf:owner/tiny-GGUF")
    tokens = {(asked.host, asked.token) for asked in there.asked}
    assert tokens == {("127.0.0.1", f"Bearer {SECRET}"), ("localhost", None)}
    assert all(str(asked.agent).startswith("forebay/") for asked in there.asked)
    assert SECRET not in caplog.text
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.iterdir())


def test_without_a_token_none_is_sent(there: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    hub.resolve(parse("hf:owner/tiny-GGUF"))
    assert [asked.token for asked in there.asked] == [None]


# Interruptions.


def test_a_transfer_that_is_cut_goes_on_from_there(large: Hub, tmp_path: Path) -> None:
    large.cuts = [300_000, 200_000, 0]
    assert fetched(tmp_path).read_bytes() == LARGE
    assert large.transfers() == [None, "bytes=300000-", "bytes=500000-", "bytes=500000-"]


def test_what_an_earlier_process_has_fetched_is_not_fetched_again(large: Hub, tmp_path: Path) -> None:
    def enough(_stage: str, done: int, _total: int) -> None:
        if done > 400_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hub.fetch(hub.resolve(parse("hf:owner/large")), tmp_path, enough)
    arrived = (tmp_path / "large.gguf.part").stat().st_size
    assert 400_000 < arrived < len(LARGE)
    assert fetched(tmp_path).read_bytes() == LARGE
    assert large.transfers() == [None, f"bytes={arrived}-"]


def test_a_transfer_that_never_ends_well_keeps_what_has_arrived(large: Hub, tmp_path: Path) -> None:
    large.cuts = [300_000] + [0] * hub.ATTEMPTS
    with pytest.raises(FetchError, match=r"What has arrived is kept: trying again goes on"):
        fetched(tmp_path)
    assert (tmp_path / "large.gguf.part").stat().st_size == 300_000
    large.cuts = []
    assert fetched(tmp_path).read_bytes() == LARGE


def test_a_transfer_that_stalls_is_taken_up_again(large: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    large.cuts, large.stall = [300_000], threading.Event()
    release = hub.resolve(parse("hf:owner/large"))
    assert hub.fetch(release, tmp_path, lambda *_: None).read_bytes() == LARGE
    assert large.transfers() == [None, "bytes=300000-"]


def test_a_server_without_ranges_begins_anew(large: Hub, tmp_path: Path) -> None:
    large.cuts, large.ranges = [300_000], False
    assert fetched(tmp_path).read_bytes() == LARGE
    assert large.transfers() == [None, "bytes=300000-"]


@pytest.mark.parametrize("there_already", [b"x" * 10, b"x" * (len(LARGE) + 1)])
def test_a_part_that_is_wrong_is_found_out(large: Hub, tmp_path: Path, there_already: bytes) -> None:
    (tmp_path / "large.gguf.part").write_bytes(there_already)
    if len(there_already) < len(LARGE):
        with pytest.raises(FetchError, match="its hash is another"):
            fetched(tmp_path)
    assert fetched(tmp_path).read_bytes() == LARGE
    assert large.asked


def test_what_is_not_whole_is_told_and_can_be_removed(large: Hub) -> None:
    large.cuts = [300_000] + [0] * hub.ATTEMPTS
    with pytest.raises(FetchError):
        library.ensure("hf:owner/large")
    (only,) = library.list_unfinished()
    assert only.name == "hf:owner/large"
    assert only.size >= 300_000
    assert not library.list_models()
    assert library.remove("hf:owner/large") == only.size
    assert not library.list_unfinished()


def test_a_conversion_that_fails_keeps_what_was_fetched(there: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ConversionError("the process was killed")

    with monkeypatch.context() as patch:
        patch.setattr(convert, "run", fail)
        with pytest.raises(ConversionError):
            library.ensure("hf:owner/tiny-GGUF")
    assert library.ensure("hf:owner/tiny-GGUF")
    assert there.transfers() == [None]


# What it refuses.


@pytest.mark.parametrize("name", ["tiny-Q8_0.gguf", "config.json"])
def test_another_content_than_stated_is_thrown_away(there: Hub, tmp_path: Path, name: str) -> None:
    files = {path.name: path.read_bytes() for path in tiny.bert(tmp_path / "bert").iterdir()}
    there.repositories["owner/bert"] = files
    repository = "tiny-GGUF" if name.endswith("gguf") else "bert"
    right = there.repositories[f"owner/{repository}"][name]
    there.instead[name] = right[:-1] + b"?"
    with pytest.raises(FetchError, match=r"is not what 127\.0\.0\.1 says it is"):
        library.ensure(f"hf:owner/{repository}")
    assert not library.list_models()
    there.instead.clear()
    assert library.ensure(f"hf:owner/{repository}")


def test_more_than_stated_is_refused(large: Hub, tmp_path: Path) -> None:
    large.instead["large.gguf"] = LARGE * 2
    with pytest.raises(FetchError, match="sent more of"):
        fetched(tmp_path)


def test_what_cannot_be_checked_is_refused(there: Hub) -> None:
    there.hashes = False
    with pytest.raises(FetchError, match=r"states no size or no hash of tiny-Q8_0\.gguf"):
        library.ensure("hf:owner/tiny-GGUF")


REFUSALS = {
    "unknown": (
        Refusal(404, "RepoNotFound"),
        r"There is no owner/tiny-GGUF at 127\.0\.0\.1, or it is private.*HF_TOKEN",
    ),
    "unauthorised": (Refusal(401), "HF_TOKEN is not valid, or may not see it"),
    "gated": (Refusal(403, "GatedRepo", "Access is restricted"), "accept its terms: .*HF_TOKEN"),
    "gated, without a token": (Refusal(401, "GatedRepo"), "accept its terms"),
    "forbidden": (Refusal(403), "does the token in HF_TOKEN permit it"),
    "revision": (Refusal(404, "RevisionNotFound"), "has no revision 'main'"),
    "too often": (Refusal(429), "asked too often"),
    "trouble": (Refusal(503), r"trouble of its own \(status 503\)"),
    "odd": (Refusal(410), "with status 410"),
}


@pytest.mark.parametrize("where", ["listing", "transfer"])
@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_told_with_its_remedy(there: Hub, case: str, where: str) -> None:
    refusal, words = REFUSALS[case]

    def refuse(asked: Asked) -> Refusal | None:
        return refusal if asked.path.startswith("/api/") == (where == "listing") else None

    there.refuse = refuse
    with pytest.raises(FetchError, match=words) as refused:
        library.ensure("hf:owner/tiny-GGUF")
    assert SECRET not in str(refused.value)


def test_a_file_that_is_listed_and_missing_is_told(there: Hub) -> None:
    there.refuse = lambda asked: Refusal(404, "EntryNotFound") if "/resolve/" in asked.path else None
    with pytest.raises(FetchError, match="lacks a file that it lists"):
        library.ensure("hf:owner/tiny-GGUF")


def test_a_revision_that_is_not_there_is_named(there: Hub) -> None:
    assert there.url
    with pytest.raises(FetchError, match="has no revision 'v9'"):
        library.ensure("hf:owner/tiny-GGUF@v9")


def test_an_address_that_is_no_hub_is_told(there: Hub) -> None:
    there.refuse = lambda _asked: Refusal(200)
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 does not answer as a hub does; is HF_ENDPOINT right\?"):
        library.ensure("hf:owner/tiny-GGUF")


def test_a_hub_that_cannot_be_reached_is_told_without_its_password(there: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert there
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://me:password@127.0.0.1:{port}")
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 cannot be reached .*HF_ENDPOINT") as refused:
        library.ensure("hf:owner/tiny-GGUF")
    assert "password" not in str(refused.value)


def test_without_a_network_by_choice_it_says_so(there: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FetchError, match="HF_HUB_OFFLINE forbids"):
        library.ensure("hf:owner/tiny-GGUF")
    assert not there.asked


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    large: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10, 10, 2 * len(LARGE) - 1))
    with pytest.raises(FetchError, match="set FOREBAY_HOME to a folder on a larger disk"):
        fetched(tmp_path)
    assert not large.transfers()


def test_without_the_extra_it_says_what_to_install(there: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise ModuleNotFoundError(name="huggingface_hub")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(FetchError, match=r"package huggingface_hub; install it with: pip install 'forebay\[hub\]'"):
        library.ensure("hf:owner/tiny-GGUF")
    assert not there.asked


def test_a_bad_name_asks_nobody(there: Hub) -> None:
    for find in (library.ensure, library.find):
        with pytest.raises(UnknownModelError):
            find("hf:owner/../tiny")
    assert not there.asked


def test_a_model_of_another_kind_is_an_error_on_one_line(there: Hub) -> None:
    there.repositories["owner/odd"] = {"config.json": b'{"model_type": 7}', "model.safetensors": LARGE}
    with pytest.raises(LibraryError) as refused:
        library.ensure("hf:owner/odd")
    assert "\n" not in str(refused.value)
