"""Conversions in a process of their own: what comes out, and what is said when OpenVINO cannot, or crashes."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from forebay.engine import convert
from forebay.engine.batch import Row
from forebay.engine.errors import ConversionError
from forebay.engine.graph import PagedGraph
from forebay.engine.tokenizer import Tokenizer
from tests.support import decoders, tiny

pytestmark = pytest.mark.engine


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny.llama())
    return path


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def test_a_gguf_file_becomes_a_model_with_its_tokenizers(llama: Path, target: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    convert.run(llama, target, lambda *told: heard.append(told))
    assert {path.name for path in target.iterdir()} == {
        f"openvino_{part}.{kind}" for part in ("model", "tokenizer", "detokenizer") for kind in ("xml", "bin")
    }
    assert llama.read_bytes() == tiny.llama()
    assert heard[0] == ("convert", 0, 1)
    assert heard[-1] == ("convert", 1, 1)


def test_what_comes_out_answers(llama: Path, target: Path) -> None:
    import openvino_genai  # noqa: PLC0415 - not on every machine

    convert.run(llama, target, silent)
    llama.unlink()
    assert openvino_genai.LLMPipeline(str(target), "CPU").generate("hello", max_new_tokens=3)


def test_an_embedder_becomes_a_model_with_its_vocabulary(tmp_path: Path, target: Path) -> None:
    convert.run(tiny.bert(tmp_path / "bert"), target, silent)
    assert {path.name for path in target.iterdir()} == {"openvino_model.xml", "openvino_model.bin", "vocab.txt"}


def test_a_folder_becomes_a_model_with_its_tokenizers(tmp_path: Path, target: Path) -> None:
    pytest.importorskip("transformers")
    decoders.tokenizer(decoders.folder(tmp_path / "llama"))
    convert.run(tmp_path / "llama", target, silent)
    assert {path.name for path in target.iterdir()} == {
        f"openvino_{part}.{kind}" for part in ("model", "tokenizer", "detokenizer") for kind in ("xml", "bin")
    }
    tokenizer = Tokenizer(target)
    assert tokenizer.special == {0, 1, 2}
    assert b"".join(tokenizer.pieces[token] for token in tokenizer.encode("wörld 1")) == "wörld 1".encode()
    shape = PagedGraph(target, kv_cache=2**20).step([Row([5, 6, 7], 0, [1])]).shape
    assert shape == (1, 260)


def test_a_tokenizer_that_is_missing_is_told(tmp_path: Path, target: Path) -> None:
    pytest.importorskip("transformers")
    decoders.folder(tmp_path / "llama")
    with pytest.raises(ConversionError, match=r"The tokenizer in .* cannot be converted"):
        convert.run(tmp_path / "llama", target, silent)


def test_a_gguf_tokenizer_that_openvino_cannot_read_is_told(tmp_path: Path, target: Path) -> None:
    fields = tiny.llama_fields() | {"tokenizer.ggml.model": "rwkv"}
    (tmp_path / "x.gguf").write_bytes(tiny.gguf(fields, {"a": np.ones((2, 2), np.float32)}))
    with pytest.raises(ConversionError, match="OpenVINO cannot read its tokenizer"):
        convert.run(tmp_path / "x.gguf", target, silent)


def test_a_name_with_spaces_and_letters_of_all_kinds_is_fine(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "mein Modell — ü.gguf"
    path.write_bytes(tiny.llama())
    convert.run(path, target, silent)
    assert (target / convert.MODEL).is_file()


def test_an_architecture_that_is_not_known_is_named(tmp_path: Path, target: Path) -> None:
    fields = tiny.LLAMA | {"general.architecture": "mamba", "mamba.context_length": 8}
    (tmp_path / "x.gguf").write_bytes(tiny.gguf(fields))
    with pytest.raises(
        ConversionError, match=r"x\.gguf could not be converted: .*mamba is not supported; these are: llama"
    ):
        convert.run(tmp_path / "x.gguf", target, silent)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_crash_of_openvino_is_an_error(
    llama: Path, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As large files that are cut off do to it: the library refuses those before, but others may do the same."""
    crash = tmp_path / "crash"
    crash.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crash.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(crash))
    with pytest.raises(ConversionError, match=r"OpenVINO crashed \(signal \d+\)"):
        convert.run(llama, target, silent)


@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        (-signal.SIGKILL, "", "too little memory"),
        (-signal.SIGSEGV, "", r"crashed \(signal 11\)"),
        (1, "Traceback\nValueError: why", "^ValueError: why$"),
        (1, "basic_ios::clear: iostream error (x)", "is the disk full"),
        (3, "", "status 3"),
    ],
)
def test_every_end_of_the_process_has_a_reason(status: int, words: str, reason: str) -> None:
    assert re.search(reason, convert._reason(status, words))


def test_a_listener_that_has_enough_ends_the_process(
    llama: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    popen = subprocess.Popen

    def remember(*args: object, **kwargs: object) -> object:
        process = popen(*args, **kwargs)  # type: ignore[call-overload]
        started.append(process.pid)
        return process

    def enough(_stage: str, _done: int, _total: int) -> None:
        if started:
            raise InterruptedError

    monkeypatch.setattr(subprocess, "Popen", remember)
    with pytest.raises(InterruptedError):
        convert.run(llama, target, enough)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)
    assert not (target / convert.MODEL).exists()


def test_a_copy_serves_where_links_are_not_possible(llama: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Path, _source: Path) -> None:
        raise OSError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert convert.main([str(llama), str(target)]) == 0
    assert (target / convert.MODEL).is_file()
    assert not (target / "model.gguf").exists()


def test_the_last_line_says_why(tmp_path: Path, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert convert.main([str(tmp_path / "empty"), str(target)]) == 1
    assert "config.json" in capsys.readouterr().err.splitlines()[-1]
