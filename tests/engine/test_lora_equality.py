"""What PEFT itself makes of two adapters, and of the model without any, all in one batch.

What PEFT said is in ``peft_reference.json``, written by `scripts/peft_reference.py` from the weights that the default
model's file stands for, in 32-bit floats. The engine rounds more than that, so logits are near and not equal; the
tokens must be the same.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forebay.engine import peft
from forebay.engine.adapter import Adapter
from forebay.engine.batch import Row
from forebay.engine.blocks import blocks_for
from forebay.engine.graph import PagedGraph
from tests.skips import PEFT_MODEL as MODEL
from tests.support import lora

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "scripts" / "peft_reference.py"
NAMES = ("", "everything", "some")
STEPS = 64
FAR = 1.5  # How far a logit may be off; they are up to 30. The model without an adapter is as far off.
NEAR = 0.2  # And how far they may be off on average, as a share of what the adapter changes in them.


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "peft_reference.json").read_text())
    return found


@pytest.fixture(scope="module")
def graph(smollm2: Path) -> PagedGraph:
    return PagedGraph(smollm2, kv_cache=64 * 2**20, precision="f32")


@pytest.fixture(scope="module")
def adapters(graph: PagedGraph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Adapter | None]:
    found: dict[str, Adapter | None] = {"": None}
    for generation, name in enumerate(NAMES[1:]):
        folder = getattr(lora, name)(tmp_path_factory.mktemp(name))
        adapter = peft.read(folder, name, generation, graph.modules, 64)
        graph.prepare(adapter.targets)
        found[name] = adapter
    return found


def followed(
    graph: PagedGraph, rows: list[tuple[Adapter | None, dict[str, Any]]], probes: list[int]
) -> list[tuple[list[int], np.ndarray]]:
    """For each row: the tokens that the engine would choose after PEFT's, and its logits of what was recorded."""
    size = blocks_for(max(len(answer["prompt"]) for _, answer in rows) + STEPS)
    tables = [range(1 + row * size, 1 + (row + 1) * size) for row in range(len(rows))]
    chosen: list[list[int]] = [[] for _ in rows]
    logits: list[list[np.ndarray]] = [[] for _ in rows]
    for step in range(STEPS):
        batch = []
        for table, (adapter, answer) in zip(tables, rows, strict=True):
            prompt, tokens = answer["prompt"], answer["tokens"]
            new, past = ([tokens[step - 1]], len(prompt) + step - 1) if step else (prompt, 0)
            batch.append(Row(new, past, table, adapter))
        lines = graph.step(batch, exact=True)
        for row, (_, answer) in enumerate(rows):
            chosen[row].append(int(lines[row].argmax()))
            logits[row].append(lines[row][[answer["tokens"][step], *probes]].copy())
    return [(tokens, np.array(each)) for tokens, each in zip(chosen, logits, strict=True)]


def test_two_adapters_and_the_base_in_one_batch_answer_as_peft_does(
    graph: PagedGraph, adapters: dict[str, Adapter | None], recorded: dict[str, Any]
) -> None:
    answers = recorded["answers"]
    found = followed(graph, [(adapters[name], answers[name]) for name in NAMES], recorded["probes"])
    for name, (tokens, _) in zip(NAMES, found, strict=True):
        # After the tokens of PEFT each choice is the engine's own: if all are the same, so is what it would generate.
        assert tokens == answers[name]["tokens"], name


@pytest.mark.parametrize("name", NAMES[1:])
def test_the_logits_of_every_step_are_near_peft_s(
    graph: PagedGraph, adapters: dict[str, Adapter | None], recorded: dict[str, Any], name: str
) -> None:
    answer = recorded["answers"][name]
    (_, mine), (_, base) = followed(graph, [(adapters[name], answer), (None, answer)], recorded["probes"])
    theirs = np.array(answer["logits"])
    error, change = np.abs(mine - theirs), np.abs(base - theirs)
    assert error.max() < FAR
    assert error.mean() < NEAR * change.mean()


@pytest.mark.slow
@pytest.mark.needs("peft")
def test_peft_still_says_what_was_recorded(recorded: dict[str, Any], tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    subprocess.run([sys.executable, str(SCRIPT), os.environ[MODEL], str(again)], check=True, timeout=3600)
    for name, answer in json.loads(again.read_text())["answers"].items():
        assert answer["tokens"] == recorded["answers"][name]["tokens"]
        np.testing.assert_allclose(answer["logits"], recorded["answers"][name]["logits"], atol=0.01)
