"""The engine over a graph that remembers: whatever the load, every sequence gets the tokens it would get alone."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from forebay.engine.blocks import BLOCK, SCRATCH
from forebay.engine.core import Engine
from forebay.engine.sequence import Origin, Output, Sampling, Sequence
from tests.support import sequences
from tests.support.paged import Memory, Rounded, continuation

VOCABULARY = 1000


def sequence(
    prompt: list[int],
    max_tokens: int = 4,
    *,
    seed: int | None = None,
    ends: frozenset[int] = frozenset(),
    origin: Origin = sequences.SHARING,
) -> Sequence:
    sampling = Sampling(max_tokens=max_tokens, temperature=0.0, seed=seed)
    return sequences.sequence(prompt, sampling, ends=ends, origin=origin)


def engine(blocks: int = 64, *, max_running: int = 8, max_batched_tokens: int = 256) -> tuple[Engine, Memory]:
    graph = Memory(SCRATCH + 1 + blocks, VOCABULARY)
    return Engine(graph, max_running=max_running, max_batched_tokens=max_batched_tokens), graph


def run(machine: Engine) -> list[Output]:
    outputs: list[Output] = []
    for _ in range(5000):
        if not machine.scheduler.busy:
            return outputs
        outputs += machine.step()
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


def test_a_step_stays_within_its_budget() -> None:
    machine, graph = engine(max_batched_tokens=50)
    for number in range(5):
        machine.scheduler.add(sequence([number] * 20, 2))
    run(machine)
    assert [[len(row.tokens) for row in step] for step in graph.steps] == [[20, 20], [1, 1, 20, 20], [1, 1, 20], [1]]


def test_a_long_prompt_is_computed_in_chunks_that_end_with_blocks_beside_everybody_else() -> None:
    machine, graph = engine(max_batched_tokens=50)
    for length in (10, 120, 10):
        machine.scheduler.add(sequence([length + len(machine.scheduler.waiting)] * length, 4))
    run(machine)
    assert [[len(row.tokens) for row in step] for step in graph.steps][:5] == [
        [10, 32],
        [1, 10, 32],
        [1, 1, 32],
        [1, 1, 24],
        [1, 1],
    ]


def test_a_prompt_goes_on_even_when_those_who_are_decoded_take_the_whole_budget() -> None:
    machine, graph = engine(max_running=8, max_batched_tokens=32)
    for number in range(5):
        machine.scheduler.add(sequence([number, number], 50))
    machine.step()
    machine.scheduler.add(sequence([9] * 70, 1))
    run(machine)
    assert [len(row.tokens) for step in graph.steps for row in step if row.tokens[0] == 9] == [32, 32, 6]


def test_what_stands_in_the_cache_is_not_computed_again() -> None:
    machine, graph = engine()
    prompt = [*range(100)]
    first, second, other = sequence(prompt, 40), sequence([*prompt, 7, 7], 3), sequence(prompt[::-1], 3)
    for each in (first, second, other):
        machine.scheduler.add(each)
        run(machine)
    assert [len(step[0].tokens) for step in graph.steps if step[0].past in (0, 96) or len(step[0].tokens) > 1] == [
        100,
        6,
        100,
    ]
    assert (first.cached, second.cached, other.cached) == (0, 96, 0)
    assert (machine.scheduler.prefixes.asked, machine.scheduler.prefixes.found) == (302, 96)


def test_an_answer_is_found_by_the_turn_after_it() -> None:
    machine, _ = engine()
    first = sequence([*range(40)], 60)
    machine.scheduler.add(first)
    run(machine)
    second = sequence([*first.tokens, 5, 6, 7], 1)
    machine.scheduler.add(second)
    run(machine)
    assert second.cached == 96


def test_the_whole_prompt_is_never_taken_from_the_cache() -> None:
    machine, graph = engine()
    for _ in range(2):
        machine.scheduler.add(sequence([1] * 2 * BLOCK, 1))
        run(machine)
    assert [len(step[0].tokens) for step in graph.steps] == [2 * BLOCK, BLOCK]


def test_with_a_seed_only_what_was_computed_at_one_go_is_taken_from_the_cache() -> None:
    graph = Rounded(SCRATCH + 41, VOCABULARY)
    machine = Engine(graph, max_running=8, max_batched_tokens=256)
    first = sequence([*range(40)], 90)
    machine.scheduler.add(first)
    run(machine)
    prompt = [*first.tokens, *range(60)]
    anyhow, short, long = (sequence(prompt[:count], 40, seed=seed) for count, seed in ((190, None), (140, 3), (190, 3)))
    for each in (anyhow, short, long):
        machine.scheduler.add(each)
        run(machine)
        if each.exact:
            assert each.tokens[each.prompt_length :] == alone(each)
    # `anyhow` went on from what was decoded, so what it computed at one go is not what `long` would have computed.
    assert (anyhow.cached, short.cached, long.cached) == (128, 32, 128)


@pytest.mark.parametrize("namespaces", [(b"one", b"two"), (None, None), (b"", None)])
def test_other_namespaces_share_nothing(namespaces: tuple[bytes | None, ...]) -> None:
    machine, _ = engine()
    for namespace in namespaces:
        asked = sequence([1] * 100, 1, origin=Origin(namespace=namespace))
        machine.scheduler.add(asked)
        run(machine)
        assert asked.cached == 0


def test_of_many_with_the_same_beginning_one_computes_it() -> None:
    machine, graph = engine()
    same = [3] * 90
    for number in range(5):
        machine.scheduler.add(sequence([*same, number], 2))
    run(machine)
    assert sorted(len(row.tokens) for row in graph.steps[0]) == [91]
    assert sorted(len(row.tokens) for row in graph.steps[1]) == [1, 27, 27, 27, 27]


def test_everybody_gets_a_turn() -> None:
    machine, graph = engine(max_running=1)
    for number in range(4):
        machine.scheduler.add(sequence([1, number], 1, origin=Origin("many")))
    machine.scheduler.add(sequence([2, 0], 1, origin=Origin("one")))
    machine.scheduler.add(sequence([3, 0], 1, origin=Origin("another")))
    run(machine)
    assert [step[0].tokens for step in graph.steps] == [[1, 0], [2, 0], [3, 0], [1, 1], [1, 2], [1, 3]]


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


POOL = random.Random(0).choices(range(VOCABULARY), k=200)


class Workload(RuleBasedStateMachine):
    """Sequences that come, run, are preempted, end and are cancelled, and have beginnings in common.

    The graph notices a wrong block, and for those with a seed every trace of the others (`Rounded`).
    """

    @initialize(blocks=st.integers(8, 30), max_running=st.integers(1, 6), budget=st.sampled_from([32, 70, 128]))
    def start(self, blocks: int, max_running: int, budget: int) -> None:
        self.graph = Rounded(SCRATCH + 1 + blocks, VOCABULARY)
        self.machine = Engine(self.graph, max_running=max_running, max_batched_tokens=budget)
        self.live: list[Sequence] = []
        self.said: dict[Sequence, list[int]] = {}

    @rule(
        common=st.integers(0, 130),
        own=st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=40),
        max_tokens=st.integers(1, 80),
        seed=st.sampled_from([None, 3]),
        origin=st.builds(Origin, st.sampled_from(["", "somebody"]), st.sampled_from([b"", b"", b"another", None])),
    )
    def ask(self, common: int, own: list[int], max_tokens: int, seed: int | None, origin: Origin) -> None:
        self._add(sequence(POOL[:common] + own, max_tokens, seed=seed, origin=origin))

    def _add(self, asked: Sequence) -> None:
        self.machine.scheduler.add(asked)
        self.live.append(asked)
        self.said[asked] = []

    @precondition(lambda self: self.said)
    @rule(data=st.data(), seed=st.sampled_from([None, 3]))
    def go_on(self, data: st.DataObject, seed: int | None) -> None:
        """Ask what a chat's next turn asks: all that stands, and more."""
        before = [one.tokens for one in self.said if len(one.tokens) < 150]
        if before:
            self._add(sequence([*data.draw(st.sampled_from(before)), 1, 2], 5, seed=seed))

    @precondition(lambda self: self.machine.scheduler.busy)
    @rule(steps=st.integers(1, 20))
    def step(self, steps: int) -> None:
        for _ in range(steps):
            if not self.machine.scheduler.busy:
                return
            for output in self.machine.step():
                self.said[output.sequence].append(output.token)
                if output.finish:
                    self.live.remove(output.sequence)
            self.every_block_is_accounted_for()

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        cancelled = self.live.pop(data.draw(st.integers(0, len(self.live) - 1)))
        self.machine.scheduler.remove(cancelled)
        assert cancelled.blocks == []

    @invariant()
    def every_block_is_accounted_for(self) -> None:
        blocks, scheduler = self.machine.blocks, self.machine.scheduler
        tables = [one.blocks for one in scheduler.running]
        assert all(not one.blocks for one in scheduler.waiting)
        assert blocks.used == len({block for table in tables for block in table})
        assert blocks.free + blocks.used == blocks.total
        held = Counter(block for table in tables for block in table)
        assert all(blocks.holders(block) == held[block] for block in range(SCRATCH + 1, self.graph.blocks))

    def teardown(self) -> None:
        """Whatever happened: all end, nothing is held, and who had a seed got what he would have got alone."""
        if not hasattr(self, "machine"):
            return
        for _ in range(3000):
            if self.machine.scheduler.busy:
                self.step(1)
        assert not self.live
        assert self.machine.blocks.used == 0
        for one, said in self.said.items():
            if one.exact:
                assert said == alone(one)[: len(said)]


def alone(asked: Sequence) -> list[int]:
    """What a sequence gets that has an engine for itself."""
    machine = Engine(Rounded(SCRATCH + 40, VOCABULARY), max_running=1, max_batched_tokens=1000)
    machine.scheduler.add(
        sequence(asked.tokens[: asked.prompt_length], asked.sampling.max_tokens, seed=asked.sampling.seed)
    )
    return [output.token for output in run(machine)]


TestWorkload = Workload.TestCase
TestWorkload.settings = settings(max_examples=40, stateful_step_count=30)


@given(
    prompts=st.lists(st.tuples(st.integers(0, 130), st.integers(1, 40)), min_size=1, max_size=8),
    blocks=st.integers(8, 30),
)
def test_nobody_gets_another_ones_tokens(prompts: list[tuple[int, int]], blocks: int) -> None:
    machine, _ = engine(blocks, max_batched_tokens=64)
    asked = [sequence(POOL[:common] + [number] * own, 60) for number, (common, own) in enumerate(prompts)]
    for each in asked:
        machine.scheduler.add(each)
    run(machine)
    for each in asked:
        prompt = each.tokens[: each.prompt_length]
        assert each.tokens[each.prompt_length :] == continuation(prompt, 60, VOCABULARY)
