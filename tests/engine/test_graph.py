"""OpenVINO's side of the engine: what the engine relies on, checked with the real thing."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from forebay.engine.batch import Batch, Row
from forebay.engine.blocks import BLOCK, blocks_for
from forebay.engine.graph import GraphError, PagedGraph

pytestmark = pytest.mark.engine

PROMPT = random.Random(1).choices(range(100, 40000), k=70)
STEPS = 24


@pytest.fixture(scope="module")
def paged(smollm2: Path) -> PagedGraph:
    return PagedGraph(smollm2, kv_cache=256 * 2**20)


@pytest.fixture(scope="module")
def alone(paged: PagedGraph) -> list[np.ndarray]:
    return decode(paged, [])


def decode(graph: PagedGraph, companions: list[int], prompts: int = 0) -> list[np.ndarray]:
    """Greedy logits after `PROMPT`, beside sequences of the given lengths, and beside prompts in every third step."""
    pick = random.Random(2)
    free = iter(range(1, graph.blocks))
    mine = [next(free) for _ in range(blocks_for(len(PROMPT) + STEPS))]
    tables = [[next(free) for _ in range(blocks_for(length + STEPS))] for length in companions]
    scratch = [next(free) for _ in range(blocks_for(max(prompts, 1)))]
    for length, table in zip(companions, tables, strict=True):
        graph.step([Row(pick.choices(range(17, 40000), k=length), 0, table)], exact=True)
    found: list[np.ndarray] = []
    new, past = PROMPT, 0
    for step in range(STEPS):
        others = [
            Row([pick.randrange(17, 40000)], length + step, table)
            for length, table in zip(companions, tables, strict=True)
        ]
        if prompts and step % 3 == 0:
            others.append(Row(pick.choices(range(17, 40000), k=prompts), 0, scratch))
        place = pick.randrange(len(others) + 1)
        others.insert(place, Row(new, past, mine))
        found.append(graph.step(others, exact=True)[place].copy())
        past += len(new)
        new = [int(found[-1].argmax())]
    return found


def test_rows_become_one_batch() -> None:
    batch = Batch.of([Row([5, 6, 7], 0, [4]), Row([8], 40, [2, 9, 3])])
    assert batch.input_ids == [5, 6, 7, 8]
    assert batch.position_ids == [0, 1, 2, 40]
    assert batch.past_lens == [0, 40]
    assert batch.subsequence_begins == [0, 3, 4]
    assert batch.block_indices == [4, 2, 9]
    assert batch.block_indices_begins == [0, 1, 3]
    assert batch.max_context_len == 41
    assert batch.last_tokens == [2, 3]


@pytest.mark.parametrize(
    ("companions", "prompts"),
    [
        ([], 0),
        ([50], 0),
        ([10, 200, 600], 0),
        ([33] * 7, 0),
        pytest.param([7 * n + 1 for n in range(31)], 0, marks=pytest.mark.slow),
        ([40], 300),
        ([], 500),
    ],
)
def test_logits_do_not_depend_on_what_else_is_in_the_step(
    paged: PagedGraph, alone: list[np.ndarray], companions: list[int], prompts: int
) -> None:
    for step, (expected, found) in enumerate(zip(alone, decode(paged, companions, prompts), strict=True)):
        np.testing.assert_array_equal(found, expected, f"step {step}")


def test_a_step_gives_one_line_for_each_row(paged: PagedGraph) -> None:
    rows = [Row(PROMPT, 0, [1, 2, 3]), Row([5], 0, [4]), Row([6, 7], 0, [5])]
    assert paged.step(rows).shape == (3, paged.vocabulary)
    assert paged.step(rows[:1], exact=True).shape == (1, paged.vocabulary)
    assert paged.step(rows[1:2], exact=True).shape == (1, paged.vocabulary)


def test_a_prompt_in_two_pieces_is_the_prompt(paged: PagedGraph) -> None:
    whole = paged.step([Row(PROMPT, 0, [1, 2, 3])], exact=True).copy()
    paged.step([Row(PROMPT[:BLOCK], 0, [7, 5, 6])], exact=True)
    pieces = paged.step([Row(PROMPT[BLOCK:], BLOCK, [7, 5, 6])], exact=True)
    np.testing.assert_array_equal(pieces, whole)


def test_the_cache_is_as_large_as_it_may_be(tiny_llama: Path) -> None:
    one = PagedGraph(tiny_llama, kv_cache=2**20)
    two = PagedGraph(tiny_llama, kv_cache=2**21)
    assert two.blocks == 2 * one.blocks
    with pytest.raises(GraphError, match="kv_cache"):
        PagedGraph(tiny_llama, kv_cache=100)


@pytest.mark.parametrize("version", ["2026.3.0-1", "2026.40.1-1", "2027.1.0-1"])
def test_another_version_of_openvino_is_refused(
    monkeypatch: pytest.MonkeyPatch, tiny_llama: Path, version: str
) -> None:
    monkeypatch.setattr("openvino.__version__", version)
    with pytest.raises(GraphError, match=r"made for OpenVINO 2026\.4"):
        PagedGraph(tiny_llama, kv_cache=2**20)


def test_a_model_that_makes_no_text_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(GraphError):
        PagedGraph(tiny_bert, kv_cache=2**20)


def test_a_damaged_model_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_llama, tmp_path / "model")
    (tmp_path / "model" / "openvino_model.xml").write_text("<net>")
    with pytest.raises(RuntimeError):
        PagedGraph(tmp_path / "model", kv_cache=2**20)
