"""The simulation of fleets: like what was measured, the same for the same seed, and right where a formula is known."""

import math

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.simulation import check, shared
from bench.simulation.engine import Engine, Job
from bench.simulation.fleet import Plan, simulate
from bench.simulation.measured import measured
from bench.simulation.prefixes import Prefixes
from bench.simulation.routing import PrefixAware
from bench.simulation.run import CHECKED, TOKENS_ERROR, TTFT_ERROR
from bench.simulation.users import HOURS, Habits, curve
from forebay.engine.blocks import BLOCK
from forebay.engine.options import EngineSettings
from forebay.store import ledger

FIGURES = measured()


def test_the_simulated_engine_is_like_the_measured_one() -> None:
    for level in (*FIGURES.engine.curve, *FIGURES.engine.again.curve):
        error = check.error(level, check.typical(FIGURES.engine, level.at_once, level.requests, seed=2))
        assert abs(error.tokens_per_s) < TOKENS_ERROR
        assert abs(error.ttft) < TTFT_ERROR or level.at_once not in CHECKED


def test_a_chats_second_turn_is_as_short_as_measured() -> None:
    first, second = check.turns(FIGURES.engine)

    told = FIGURES.engine.second_turn
    assert first == pytest.approx(told.first_ttft_ms, rel=TTFT_ERROR)
    assert second == pytest.approx(told.ttft_ms, rel=TTFT_ERROR)


def test_two_engines_do_twice_as_much_as_one() -> None:
    one = check.closed_loop(FIGURES.engine, 32, 128)
    two = check.closed_loop(FIGURES.engine, 64, 256, engines=2)

    assert two.tokens_per_s == pytest.approx(2 * one.tokens_per_s, rel=0.05)
    assert two.ttft_p50_ms == pytest.approx(one.ttft_p50_ms, rel=0.15)


def test_what_it_knows_of_forebay_is_what_forebay_has() -> None:
    limits, options = FIGURES.engine.limits, EngineSettings()

    assert limits.max_running == options.max_running
    assert limits.max_batched_tokens == options.max_batched_tokens
    assert limits.block == BLOCK
    assert FIGURES.postgresql.deliver_s == ledger.DELIVER_SECONDS
    assert FIGURES.postgresql.batches[-1].rows == ledger.BATCH


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(0, 5), st.integers(1, 900), st.integers(1, 60)), min_size=1, max_size=60
    ),
    st.integers(200, 4000),
)
def test_every_job_ends_once_and_in_order(jobs: list[tuple[float, int, int, int]], kv_tokens: int) -> None:
    environment, ended = simpy.Environment(), list[Job]()
    engine = Engine(environment, FIGURES.engine, kv_tokens)
    all_jobs = [Job(session, prompt, answer, ended.append) for _, session, prompt, answer in jobs]
    for (at, *_), job in zip(jobs, all_jobs, strict=True):
        environment.timeout(at).callbacks.append(lambda _, job=job: engine.submit(job))  # type: ignore[misc]

    environment.run()

    assert sorted(map(id, ended)) == sorted(map(id, all_jobs))
    assert engine.running == 0
    shortest = min(FIGURES.engine.step_seconds())
    for job in all_jobs:
        assert job.came < job.first <= job.ended
        assert job.ended - job.first >= (job.answer - 1) * shortest - 1e-6


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 500), st.integers(1, 200)), max_size=80))
def test_a_prefix_cache_keeps_whole_blocks_of_what_it_was_given(turns: list[tuple[int, int, int]]) -> None:
    prefixes, given = Prefixes(2000, BLOCK), dict[int, int]()

    for session, prompt, answer in turns:
        found = prefixes.enter(session, prompt, prompt + answer)
        assert found % BLOCK == 0
        assert found < prompt
        assert found <= given.get(session, 0)
        prefixes.leave(session, prompt + answer)
        given[session] = prompt + answer
        assert prefixes.used <= 2000


def test_the_same_seed_is_the_same_simulation() -> None:
    plan = Plan(3, 3.0, "prefix-aware", warm=10, counted=30)

    assert simulate(plan, FIGURES.engine) == simulate(plan, FIGURES.engine)


def test_whoever_sends_a_chat_where_it_was_finds_its_prefix_there() -> None:
    found = {name: simulate(Plan(6, 6.0, name, warm=30, counted=60), FIGURES.engine) for name in ("sticky", "random")}
    aware = simulate(Plan(6, 6.0, "prefix-aware", warm=30, counted=60), FIGURES.engine)

    assert found["sticky"].prefix_hits > aware.prefix_hits > 2 * found["random"].prefix_hits
    assert found["sticky"].ttft_p50 < found["random"].ttft_p50


@pytest.mark.parametrize("strategy", ["least-busy", "prefix-aware"])
def test_two_engines_answer_twice_what_one_answers_in_no_more_time(strategy: str) -> None:
    one = simulate(Plan(1, 0.6, strategy, warm=60, counted=600), FIGURES.engine)
    two = simulate(Plan(2, 1.2, strategy, warm=60, counted=600), FIGURES.engine)

    assert two.requests == pytest.approx(2 * one.requests, rel=0.2)
    assert two.latency_p50 < 1.2 * one.latency_p50
    assert two.prefix_hits > 0.8 * one.prefix_hits or strategy == "least-busy"


@pytest.mark.parametrize("engines", [2, 1000])
def test_however_many_engines_there_are_a_session_stays(engines: int) -> None:
    router = PrefixAware(engines, 1)

    assert len({router.pick(7, 1000) for _ in range(2)}) == 1


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_one_redis_waits_as_the_formula_says(load: float) -> None:
    service = shared.redis_seconds(FIGURES.redis, hits=0.1)
    rate = load / service

    assert shared.redis_wait(service, rate, seconds=3).mean == pytest.approx(shared.mean_wait(service, rate), rel=0.15)
    assert math.isinf(shared.mean_wait(service, 1.01 / service))


def test_an_exact_cache_cannot_hit_more_than_is_repeated() -> None:
    repeats = shared.Repeats(share=0.2)
    hits = [shared.exact_hits(repeats, rate) for rate in (0.01, 1, 100, 10_000)]

    assert hits == sorted(hits)
    assert 0 < hits[0] < hits[-1] < repeats.share


def test_a_day_has_as_many_turns_as_its_mean_says() -> None:
    habits = Habits()

    turns = sum(habits.rate(1000, hour) * 3600 for hour in range(HOURS))

    assert turns == pytest.approx(1000 * habits.sessions_a_day * habits.turns)
    assert curve(15) == max(curve(hour) for hour in range(HOURS))
