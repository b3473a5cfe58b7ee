"""Adapters in the graph: each row gets its own, and nobody notices the others'."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.engine import peft
from forebay.engine.adapter import Adapter
from forebay.engine.batch import Row
from forebay.engine.blocks import blocks_for
from forebay.engine.graph import PagedGraph
from tests.support import lora

pytestmark = pytest.mark.engine

STEPS = 5
PROMPT = [5, 9, 30, 77, 12, 200, 41]
KINDS: list[tuple[int, Sequence[str]]] = [
    (8, lora.ALL),
    (3, ("q_proj", "v_proj")),
    (16, ("down_proj", "k_proj")),
    (4, ("o_proj",)),
]


@pytest.fixture(scope="module")
def graph(tiny_llama: Path) -> PagedGraph:
    graph = PagedGraph(tiny_llama, kv_cache=2**22, precision="f32")
    graph.prepare(frozenset(lora.ALL))
    return graph


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> list[Adapter]:
    found = []
    for seed, (rank, targets) in enumerate(KINDS):
        weights = lora.tensors(lora.TINY, seed, rank=rank, targets=targets, scale=0.5)
        folder = lora.write(tmp_path_factory.mktemp("adapter"), weights, rank=rank, targets=targets)
        found.append(peft.read(folder, f"number-{seed}", seed, lora.TINY, 64))
    return found


def decode(
    graph: PagedGraph, mine: Adapter | None, others: Sequence[Adapter | None], place: int = 0
) -> list[np.ndarray]:
    """Greedy logits after `PROMPT` with the adapter ``mine``, beside sequences with ``others``."""
    pick = random.Random(3)
    free = iter(range(1, graph.blocks))
    adapters = [mine, *others]
    tables = [[next(free) for _ in range(blocks_for(32))] for _ in adapters]
    found: list[np.ndarray] = []
    new, past = PROMPT, 0
    for step in range(STEPS):
        rows = [
            Row(pick.choices(range(3, 250), k=9 if step == 0 else 1), 0 if step == 0 else 8 + step, table, adapter)
            for adapter, table in zip(adapters[1:], tables[1:], strict=True)
        ]
        at = min(place, len(rows))
        rows.insert(at, Row(new, past, tables[0], mine))
        found.append(graph.step(rows, exact=True)[at].copy())
        past += len(new)
        new = [int(found[-1].argmax())]
    return found


NUMBERS = st.none() | st.integers(0, len(KINDS) - 1)


@settings(max_examples=15)
@given(mine=NUMBERS, others=st.lists(NUMBERS, max_size=6), place=st.integers(0, 6))
def test_a_row_s_logits_are_its_own_whoever_is_beside_it(
    graph: PagedGraph, adapters: list[Adapter], mine: int | None, others: list[int | None], place: int
) -> None:
    def chosen(number: int | None) -> Adapter | None:
        return None if number is None else adapters[number]

    alone = decode(graph, chosen(mine), [])
    together = decode(graph, chosen(mine), [chosen(each) for each in others], place)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_adapter_changes_the_answer(graph: PagedGraph, adapters: list[Adapter]) -> None:
    rows = [Row(PROMPT, 0, [number + 1], adapter) for number, adapter in enumerate([None, *adapters])]
    logits = graph.step(rows)
    for line in range(len(rows)):
        for other in range(line):
            assert np.abs(logits[line] - logits[other]).max() > 0.001


def test_an_adapter_of_zeros_changes_nothing(graph: PagedGraph, tmp_path: Path) -> None:
    weights = lora.tensors(lora.TINY, 0, scale=0.0)
    nothing = peft.read(lora.write(tmp_path, weights), "nothing", 0, lora.TINY, 64)
    np.testing.assert_array_equal(decode(graph, nothing, []), decode(graph, None, []))


def test_adapters_that_nobody_uses_lose_their_columns(graph: PagedGraph, adapters: list[Adapter]) -> None:
    assert graph._adapted is not None
    _, stack = graph._adapted
    graph.step([Row([5], 0, [1], adapters[0]), Row([5], 0, [2], adapters[2])])
    assert {adapters[0], adapters[2]} <= stack._columns.keys()
    for _ in range(100):
        graph.step([Row([5], 0, [1], adapters[0])])
    assert stack._columns.keys() == {adapters[0]}


def test_a_graph_is_prepared_for_all_that_was_ever_needed(tiny_llama: Path, adapters: list[Adapter]) -> None:
    graph = PagedGraph(tiny_llama, kv_cache=2**22, precision="f32")
    graph.prepare(adapters[1].targets)
    before = decode(graph, adapters[1], [])
    graph.prepare(adapters[2].targets)
    assert graph._targets == {"q_proj", "v_proj", "down_proj", "k_proj"}
    np.testing.assert_array_equal(decode(graph, adapters[1], [adapters[2]]), before)
    prepared = graph._adapted
    graph.prepare(adapters[1].targets)
    assert graph._adapted is prepared
