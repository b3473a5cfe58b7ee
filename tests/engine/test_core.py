"""The engine over a graph that remembers: whatever the load, every sequence gets the tokens it would get alone."""

import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.blocks import BLOCK, SCRATCH
from forebay.engine.core import Engine
from forebay.engine.sequence import Output, Sampling, Sequence
from tests.support import sequences
from tests.support.paged import Memory, continuation

VOCABULARY = 1000


def sequence(
    prompt: list[int], max_tokens: int = 4, *, seed: int | None = None, ends: frozenset[int] = frozenset()
) -> Sequence:
    return sequences.sequence(prompt, Sampling(max_tokens=max_tokens, temperature=0.0, seed=seed), ends=ends)


def engine(blocks: int = 64, *, max_running: int = 8, max_batched_tokens: int = 256) -> tuple[Engine, Memory]:
    graph = Memory(SCRATCH + 1 + blocks, VOCABULARY)
    return Engine(graph, max_running=max_running, max_batched_tokens=max_batched_tokens), graph


def run(machine: Engine) -> list[Output]:
    outputs: list[Output] = []
    for _ in range(5000):
        if not machine.scheduler.busy:
            return outputs
        outputs += machine.step()
        assert machine.blocks.free + machine.blocks.used == machine.blocks.total
    raise AssertionError("it never ends")


def test_a_sequence_is_prefilled_and_then_decoded() -> None:
    machine, graph = engine()
    asked = sequence([5, 6, 7], 3)
    machine.scheduler.add(asked)
    outputs = run(machine)
    assert [output.token for output in outputs] == continuation([5, 6, 7], 3, VOCABULARY)
    assert [output.finish for output in outputs] == [None, None, "length"]
    assert [[len(row.tokens) for row in step] for step in graph.steps] == [[3], [1], [1]]
    assert machine.blocks.used == 0
    assert machine.generated == 3


def test_an_end_token_ends_a_sequence_and_is_its_last() -> None:
    first, second, _ = continuation([1, 2], 3, VOCABULARY)
    machine, _ = engine()
    machine.scheduler.add(sequence([1, 2], 9, ends=frozenset({second})))
    assert [(output.token, output.finish) for output in run(machine)] == [(first, None), (second, "stop")]


def test_prompts_join_those_who_run() -> None:
    machine, graph = engine()
    machine.scheduler.add(sequence([1, 2, 3], 4))
    machine.step()
    machine.scheduler.add(sequence([4, 5], 4))
    machine.step()
    assert [(len(row.tokens), row.past) for row in graph.steps[-1]] == [(1, 3), (2, 0)]


def test_prompts_of_one_step_stay_within_the_budget() -> None:
    machine, graph = engine(max_batched_tokens=50)
    for _ in range(5):
        machine.scheduler.add(sequence([1] * 20, 2))
    run(machine)
    assert [len(step) for step in graph.steps] == [2, 4, 3, 1]


def test_a_prompt_beyond_the_budget_goes_alone() -> None:
    machine, graph = engine(max_batched_tokens=50)
    for length in (10, 120, 10):
        machine.scheduler.add(sequence([1] * length, 1))
    run(machine)
    assert [[len(row.tokens) for row in step] for step in graph.steps] == [[10], [120], [10]]


def test_no_more_run_than_may() -> None:
    machine, graph = engine(max_running=3)
    for _ in range(7):
        machine.scheduler.add(sequence([1, 2], 5))
    run(machine)
    assert max(map(len, graph.steps)) == 3


def test_first_come_first_served() -> None:
    machine, _ = engine(blocks=3)
    waiting = [sequence([number] * BLOCK, 2) for number in range(4)]
    for each in waiting:
        machine.scheduler.add(each)
    finished = [output.sequence for output in run(machine) if output.finish]
    assert finished == waiting


@pytest.mark.parametrize("seed", [None, 1])
def test_a_preempted_sequence_goes_on_as_if_nothing_had_been(seed: int | None) -> None:
    machine, graph = engine(blocks=6)
    prompts = [[number] * (BLOCK - 2) for number in (1, 2, 3)]
    for prompt in prompts:
        machine.scheduler.add(sequence(prompt, BLOCK + 10, seed=seed))
    outputs = run(machine)
    assert machine.scheduler.preemptions > 0
    for prompt in prompts:
        own = [output.token for output in outputs if output.sequence.tokens[0] == prompt[0]]
        assert own == continuation(prompt, BLOCK + 10, VOCABULARY)
    longest = max(len(row.tokens) for step in graph.steps for row in step)
    # With a seed only the prompt is computed at one go, as it was the first time.
    assert longest == BLOCK - 2 if seed else longest > BLOCK


def test_who_waits_is_cancelled_as_well_as_who_runs() -> None:
    machine, _ = engine(max_running=1)
    runs, waits = sequence([1] * 40, 50), sequence([2] * 40, 50)
    machine.scheduler.add(runs)
    machine.scheduler.add(waits)
    machine.step()
    assert machine.blocks.used == 2
    machine.scheduler.remove(runs)
    assert machine.blocks.used == 0
    machine.scheduler.remove(waits)
    machine.scheduler.remove(waits)
    assert not machine.scheduler.busy


class Asked(NamedTuple):
    """A sequence of the property below: when it comes, and when it is cancelled (in steps)."""

    prompt: int
    max_tokens: int
    seed: int | None
    comes: int
    cancelled: int | None


ASKED = st.builds(
    Asked,
    prompt=st.integers(1, 150),
    max_tokens=st.integers(1, 90),
    seed=st.sampled_from([None, 3]),
    comes=st.integers(0, 40),
    cancelled=st.none() | st.integers(1, 60),
)


@given(asked=st.lists(ASKED, min_size=1, max_size=8), blocks=st.integers(8, 30), max_running=st.integers(1, 6))
def test_no_load_changes_anybodys_tokens(asked: list[Asked], blocks: int, max_running: int) -> None:
    machine, _ = engine(blocks, max_running=max_running, max_batched_tokens=128)
    pick = random.Random(0)
    asked_for = [
        sequence(pick.choices(range(VOCABULARY), k=each.prompt), each.max_tokens, seed=each.seed) for each in asked
    ]
    for step in range(3000):
        for one, how in zip(asked_for, asked, strict=True):
            if step == how.comes:
                machine.scheduler.add(one)
            if step == how.cancelled and step > how.comes:
                machine.scheduler.remove(one)
        if machine.scheduler.busy:
            machine.step()
        assert machine.blocks.used == sum(len(one.blocks) for one in asked_for)
    assert not machine.scheduler.busy
    assert machine.blocks.used == 0
    for one, how in zip(asked_for, asked, strict=True):
        prompt, generated = one.tokens[: one.prompt_length], one.tokens[one.prompt_length :]
        assert generated == continuation(prompt, len(generated), VOCABULARY)
        if how.cancelled is None:
            assert len(generated) == how.max_tokens
