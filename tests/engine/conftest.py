"""Models for the tests of the engine: real ones from the user's library, and tiny ones that convert in a second."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.engine import catalog, library, metadata, shelf
from tests.support import tiny


@pytest.fixture(scope="session")
def forebay_home() -> Iterator[Path]:
    """The library of the real models, outside of the repository and kept from one run to the next.

    It is the user's own if the default model is there already, otherwise one of the tests' beside it.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "FOREBAY_HOME" not in os.environ and library.find(catalog.DEFAULT) is None:
            patch.setenv("FOREBAY_HOME", str(shelf.home().with_name("forebay-tests")))
        yield shelf.home()


@pytest.fixture(scope="session")
def smollm2(forebay_home: Path) -> Path:
    """The folder of the default model; the first time, it is fetched."""
    assert forebay_home
    return library.ensure(catalog.DEFAULT)


@pytest.fixture(scope="session")
def minilm(forebay_home: Path) -> Path:
    """The folder of all-MiniLM-L6-v2; the first time, it is fetched."""
    assert forebay_home
    return library.ensure(catalog.EMBEDDING)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence embedder with random weights, as the library would have it: vectors of 8 numbers, 16 positions."""
    from forebay.engine import minilm  # noqa: PLC0415 - OpenVINO, which not every machine has

    folder = tmp_path_factory.mktemp("tiny-bert")
    minilm.convert(tiny.bert(folder / "source"), folder)
    metadata.write(folder, metadata.Metadata(name="tiny-bert", architecture="bert", context_length=16))
    return folder


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model with random weights, as the library makes it of a GGUF: 260 tokens, 128 of context."""
    folder = tmp_path_factory.mktemp("tiny-llama")
    (folder / "tiny.gguf").write_bytes(tiny.llama())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOREBAY_HOME", str(folder / "home"))
        return library.ensure(str(folder / "tiny.gguf"))


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty library for one test."""
    home = tmp_path / "home"
    monkeypatch.setenv("FOREBAY_HOME", str(home))
    return home
