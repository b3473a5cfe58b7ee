"""With a seed the real model says the same, bit for bit, whatever else it is doing."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from forebay.engine.core import Engine
from forebay.engine.graph import PagedGraph
from forebay.engine.sequence import Logprobs, Sampling, Sequence
from tests.support import sequences

pytestmark = pytest.mark.engine

TOKENS = range(100, 40000)
COMMON = random.Random(1).choices(TOKENS, k=100)
SAID = 40
SAMPLING = Sampling(max_tokens=SAID, temperature=0.9, top_p=0.95, seed=7, logprobs=3, ignore_eos=True)
PROMPTS = {
    "one block": COMMON[:20],
    "ends with a block": COMMON[:64],
    "one token more": COMMON[:65],
    "several chunks": COMMON + random.Random(2).choices(TOKENS, k=150),
}
CACHED = {"one block": 0, "ends with a block": 32, "one token more": 32, "several chunks": 224}

Said = list[tuple[int, Logprobs | None]]
Load = Callable[[int], None]


@pytest.fixture(scope="module")
def graph(smollm2: Path) -> PagedGraph:
    return PagedGraph(smollm2, kv_cache=48 * 2**20)


def engine(graph: PagedGraph, *, blocks: int | None = None) -> Engine:
    made = Engine(graph, max_running=8, max_batched_tokens=128)
    if blocks is not None:  # What others hold is not there for anybody.
        made.blocks.allocate(made.blocks.free - blocks)
    return made


def run(machine: Engine, asked: Sequence, load: Load) -> Said:
    """What is said to `asked`, while `load` is told the number of each step before it."""
    said: Said = []
    machine.scheduler.add(asked)
    for step in range(2000):
        load(step)
        for output in machine.step():
            if output.sequence is asked:
                said.append((output.token, output.logprobs))
                if output.finish:
                    return said
    raise AssertionError("it never ends")


def nothing(_step: int) -> None:
    pass


@pytest.fixture(scope="module")
def alone(graph: PagedGraph) -> dict[str, Said]:
    return {name: run(engine(graph), sequences.sequence(prompt, SAMPLING), nothing) for name, prompt in PROMPTS.items()}


@pytest.mark.parametrize("name", PROMPTS)
@pytest.mark.parametrize("luck", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_companions_that_join_and_leave_change_nothing(
    graph: PagedGraph, alone: dict[str, Said], name: str, luck: int
) -> None:
    pick, machine = random.Random(luck), engine(graph)
    companions: list[Sequence] = []

    def load(_step: int) -> None:
        if pick.random() < 0.3:
            own = pick.choices(TOKENS, k=pick.randrange(1, 60))
            sampling = Sampling(max_tokens=pick.randrange(1, 60), seed=pick.choice([None, 3]))
            companions.append(sequences.sequence(COMMON[: pick.randrange(100)] + own, sampling))
            machine.scheduler.add(companions[-1])
        if companions and pick.random() < 0.15:
            machine.scheduler.remove(companions.pop(pick.randrange(len(companions))))

    for step in range(15):
        load(step)
        if machine.scheduler.busy:
            machine.step()
    assert run(machine, sequences.sequence(PROMPTS[name], SAMPLING), load) == alone[name]


@pytest.mark.parametrize("name", PROMPTS)
def test_a_beginning_from_the_cache_changes_nothing(graph: PagedGraph, alone: dict[str, Said], name: str) -> None:
    machine = engine(graph)
    for _ in range(2):
        asked = sequences.sequence(PROMPTS[name], SAMPLING)
        assert run(machine, asked, nothing) == alone[name]
    assert asked.cached == CACHED[name]


def test_a_preemption_changes_nothing(graph: PagedGraph, alone: dict[str, Said]) -> None:
    machine = engine(graph, blocks=10)
    name = "one token more"
    older = [sequences.sequence([*COMMON[number:], number], Sampling(max_tokens=70)) for number in range(2)]

    def load(step: int) -> None:
        if step == 0:
            for each in older:
                machine.scheduler.waiting.put_back(each)

    assert run(machine, sequences.sequence(PROMPTS[name], SAMPLING), load) == alone[name]
    assert machine.scheduler.preemptions
