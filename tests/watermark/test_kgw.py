"""The lists of others, bit for bit: `reference.json` was written by torch and transformers (`reference.py`)."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from forebay.core.marks import SchemeName
from forebay.watermark.detector import Hypothesis, detect, unique
from forebay.watermark.keyring import Parameters, scheme_of
from forebay.watermark.kgw import PaddedLeftHash
from forebay.watermark.scheme import Scheme
from forebay.watermark.statistics import z_score

REFERENCE: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("reference.json").read_bytes())
SIZES = sorted({each["size"] for each in REFERENCE["lists"]})


def made(name: SchemeName, size: int) -> Scheme:
    return scheme_of(str(REFERENCE["key"]), Parameters(name, REFERENCE["gamma"], None, size))


@pytest.mark.parametrize("size", SIZES)
def test_left_lists_are_the_same(size: int) -> None:
    scheme = made("kgw-lefthash", size)
    wanted = [each for each in REFERENCE["lists"] if each["size"] == size]
    assert len(wanted) == 20
    for each in wanted:
        green = scheme.green((each["window"][-1],), np.arange(size))
        assert hashlib.sha256(np.packbits(green).tobytes()).hexdigest() == each["kgw-lefthash"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["kgw-selfhash", "hf-selfhash"])
def test_own_lists_are_the_same(name: SchemeName, size: int) -> None:
    scheme: Any = made(name, size)
    for each in (each for each in REFERENCE["lists"] if each["size"] == size):
        green = scheme._lists.which(scheme._seed(tuple(each["window"])), np.arange(size))
        assert hashlib.sha256(np.packbits(green).tobytes()).hexdigest() == each[name]


def test_the_detector_agrees_with_that_of_transformers() -> None:
    scheme = made("kgw-lefthash", 1000)
    for text in REFERENCE["texts"]["kgw-lefthash"]:
        found = detect(text["tokens"], [Hypothesis("public", "kgw-lefthash", scheme)]).best
        assert found.scored_tokens == text["scored"]
        assert found.z == pytest.approx(text["z"], abs=1e-6)


def test_the_self_hash_agrees_too_where_a_seed_counts_as_often_as_it_comes() -> None:
    """Transformers count each window, also where windows share their seed: that makes z larger than it is by chance."""
    scheme = made("hf-selfhash", 1000)
    for text in REFERENCE["texts"]["hf-selfhash"]:
        contexts, tokens, _ = unique(np.array(text["tokens"]), scheme.width)
        green = int(scheme.score(contexts, tokens).sum())
        assert len(tokens) == text["scored"]
        assert z_score(green, len(tokens), 0.25) == pytest.approx(text["z"], abs=1e-6)
        assert detect(text["tokens"], [Hypothesis("public", "hf-selfhash", scheme)]).best.scored_tokens <= len(tokens)


def test_a_token_beyond_the_vocabulary_is_never_green() -> None:
    scheme = made("kgw-lefthash", 1000)
    assert not scheme.is_green((5,), 1000)
    assert not scheme.green((5,), np.array([1000, 5000])).any()


def test_padding_seeds_one_list_for_all() -> None:
    padded, left = PaddedLeftHash(vocabulary=1000, gamma=0.25), made("kgw-lefthash", 1000)
    tokens = np.arange(1000)
    assert (padded.green((), tokens) == left.green((0,), tokens)).all()
    assert padded.is_green((), 7) == left.is_green((0,), 7)


def test_the_lists_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.watermark.kgw._LISTS", 3)
    scheme: Any = made("kgw-lefthash", 1000)
    before = [scheme.is_green((context,), 1) for context in range(10)]
    assert len(scheme._lists._kept) == 3
    assert [scheme.is_green((context,), 1) for context in range(10)] == before
