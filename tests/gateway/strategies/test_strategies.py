"""Every strategy by what it does to many requests, and what must hold for any deployments."""

import math
from collections import Counter
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.ports import Strategy
from forebay.core.types import Call, Deployment, Live, Operation, Principal, Request, Trace
from forebay.gateway.strategies.prefix_aware import MEMORIES, Memory, PrefixAware, PrefixAwareSettings
from forebay.gateway.target import Target
from forebay.plugins import STRATEGIES, Tools
from tests.support.scripted import Scripted

KINDS = sorted(STRATEGIES.installed())
PRICES = {"a/x": 3.0, "b/x": 1.0, "c/x": None}


def strategy(kind: str, seed: int = 1, **options: object) -> Strategy:
    plugin = STRATEGIES.plugin(kind)
    settings = msgspec.convert(options, plugin.settings)
    made = plugin.build(settings, Tools(Random(seed), lambda deployment: PRICES.get(deployment.name)))
    assert made is not None
    return made


def candidate(name: str, weight: float = 1.0, **live: object) -> Target:
    return Target(Deployment(name, "p", "x", weight=weight), Scripted([]), msgspec.convert(live, Live))


def call(body: bytes = b"{}", session: str = "", name: str = "alice", tenant: str = "team") -> Call:
    return Call("r", Request(Operation.CHAT, "m", body), Principal(name, tenant), Trace(0.0), session)


def first(scores: Sequence[float], candidates: Sequence[Target]) -> str:
    return candidates[scores.index(min(scores))].deployment.name


def firsts(made: Strategy, candidates: Sequence[Target], times: int = 1000) -> Counter[str]:
    return Counter(first(made.score(call(), candidates), candidates) for _ in range(times))


NAMES = st.lists(st.text("abcdef/", min_size=1, max_size=8), min_size=2, max_size=6, unique=True)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ordered"])
@given(
    names=NAMES,
    weights=st.lists(st.floats(0, 100), min_size=6, max_size=6),
    running=st.lists(st.integers(0, 50), min_size=6, max_size=6),
    body=st.binary(max_size=3000),
)
def test_every_strategy_scores_every_candidate(
    kind: str, names: list[str], weights: list[float], running: list[int], body: bytes
) -> None:
    figures = zip(names, weights, running, strict=False)
    candidates = [candidate(name, weight, running=load) for name, weight, load in figures]
    scores = strategy(kind).score(call(body), candidates)
    assert len(scores) == len(candidates)
    assert not any(math.isnan(score) for score in scores)


def test_the_default_leaves_the_order_alone() -> None:
    plugin = STRATEGIES.plugin("ordered")
    assert plugin.build(plugin.settings(), Tools(Random(1), lambda _: None)) is None


def test_a_canary_gets_its_share_and_the_same_seed_the_same_draw() -> None:
    candidates = [candidate("stable", 95), candidate("canary", 5), candidate("off", 0)]
    shares = firsts(strategy("weighted"), candidates, 4000)
    assert 120 < shares["canary"] < 280
    assert not shares["off"]
    assert shares == firsts(strategy("weighted"), candidates, 4000)
    assert shares != firsts(strategy("weighted", seed=2), candidates, 4000)


def test_who_has_the_fewest_requests_for_its_weight_is_asked() -> None:
    busy, idle = candidate("busy", running=3), candidate("idle", running=2)
    assert firsts(strategy("least-busy"), [busy, idle], 1) == {"idle": 1}
    assert firsts(strategy("least-busy"), [candidate("large", 4, running=6), idle], 1) == {"large": 1}


def test_the_fastest_is_asked_and_the_others_now_and_then() -> None:
    candidates = [candidate("slow", ttft=0.5, tpot=0.05), candidate("fast", ttft=0.4, tpot=0.01)]
    assert firsts(strategy("lowest-latency", explore=0), candidates) == {"fast": 1000}
    assert 20 < firsts(strategy("lowest-latency", explore=0.05), candidates)["slow"] < 90


def test_the_length_of_an_answer_decides_between_ttft_and_tpot() -> None:
    candidates = [candidate("begins", ttft=0.1, tpot=0.05), candidate("goes on", ttft=2.0, tpot=0.01)]
    assert firsts(strategy("lowest-latency", explore=0, tokens=5), candidates, 1) == {"begins": 1}
    assert firsts(strategy("lowest-latency", explore=0, tokens=500), candidates, 1) == {"goes on": 1}


def test_nearly_equal_latencies_tie() -> None:
    one, other = strategy("lowest-latency", explore=0).score(
        call(), [candidate("a", ttft=0.100, tpot=0.0), candidate("b", ttft=0.101, tpot=0.0)]
    )
    assert one == other


def test_one_that_was_never_measured_gets_one_request_at_a_time() -> None:
    known, fresh = candidate("known", ttft=0.1, tpot=0.01), candidate("fresh")
    made = strategy("lowest-latency", explore=0)
    assert firsts(made, [known, fresh], 1) == {"fresh": 1}
    fresh.live.running = 1
    assert firsts(made, [known, fresh], 1) == {"known": 1}


def test_the_cheapest_is_asked_and_an_unknown_price_is_not_zero() -> None:
    candidates = [candidate("c/x"), candidate("a/x"), candidate("b/x")]
    scores = strategy("lowest-cost").score(call(), candidates)
    assert [name for _, name in sorted(zip(scores, "cab", strict=True))] == ["b", "a", "c"]


@given(NAMES, st.text(min_size=1, max_size=10), st.integers(0, 5))
def test_a_session_moves_only_when_its_own_deployment_goes(names: list[str], session: str, gone: int) -> None:
    candidates = [candidate(name) for name in names]
    made = strategy("sticky")
    home = first(made.score(call(session=session), candidates), candidates)
    left = [each for each in candidates if each.deployment.name != names[gone % len(names)]]
    if any(each.deployment.name == home for each in left):
        assert first(made.score(call(session=session), left), left) == home
    assert first(strategy("sticky", seed=9).score(call(session=session), candidates[::-1]), candidates[::-1]) == home


def test_sessions_spread_by_weight() -> None:
    candidates = [candidate("large", 3), candidate("small", 1)]
    made = strategy("sticky")
    spread = Counter(first(made.score(call(session=str(number)), candidates), candidates) for number in range(2000))
    assert 1400 < spread["large"] < 1600


def test_a_session_is_the_header_then_the_user_then_the_principal() -> None:
    candidates = [candidate(str(number)) for number in range(500)]
    made = strategy("sticky")

    def home(asked: Call) -> str:
        return first(made.score(asked, candidates), candidates)

    by_header, by_user, by_name = call(b'{"user":"u"}', "s"), call(b'{"user":"u"}'), call(b'{"user":5}')
    assert home(by_header) == home(call(b'{"user":"v"}', "s", "bob"))
    assert home(by_user) == home(call(b'{"user":"u"}', name="bob"))
    assert home(by_name) == home(call(b"not JSON"))
    assert len({home(each) for each in (by_header, by_user, by_name, call(b"{}", "s", tenant="other"))}) == 4


def prompt(text: str) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}]})


def test_a_prompt_goes_to_who_has_its_beginning() -> None:
    candidates = [candidate("a"), candidate("b"), candidate("c")]
    made = strategy("prefix-aware", piece=64)
    home = first(made.score(call(prompt("x" * 1000)), candidates), candidates)
    for more in ("y" * 300, "z" * 500):
        assert first(made.score(call(prompt("x" * 1000 + more)), candidates), candidates) == home
    others = {first(made.score(call(prompt(f"{number}" * 500)), candidates), candidates) for number in range(100, 140)}
    assert others == {"a", "b", "c"}


def test_a_busy_deployment_loses_even_its_own_prompts() -> None:
    candidates = [candidate("a"), candidate("b")]
    made = strategy("prefix-aware", piece=64)
    home = first(made.score(call(prompt("x" * 1000)), candidates), candidates)
    for each in candidates:
        each.live.running = 40 * (each.deployment.name == home)
    assert first(made.score(call(prompt("x" * 1000)), candidates), candidates) != home


def test_the_score_is_the_share_that_matched_less_the_relative_load() -> None:
    candidates = [candidate("a", running=1), candidate("b", running=3)]
    made = PrefixAware(PrefixAwareSettings(beta=0.5, piece=64), Random(1))
    scores = made.score(call(prompt("x" * 1000)), candidates)
    assert scores == pytest.approx([0.5 * 1 / 3, 0.5 * 3 / 3], abs=1e-5)
    again = made.score(call(prompt("x" * 1000)), candidates)
    assert again[0] == pytest.approx(0.5 * 1 / 3 - 1, abs=1e-5)


def test_more_deployments_are_remembered_in_the_same_memory() -> None:
    candidates = [candidate(str(number)) for number in range(2 * MEMORIES)]
    made = PrefixAware(PrefixAwareSettings(piece=64, remembered=8), Random(1))
    homes = {}
    for number in range(100, 130):
        asked = call(prompt(f"{number}" * 100))
        homes[number] = first(made.score(asked, candidates), candidates)
    for number, home in homes.items():
        assert first(made.score(call(prompt(f"{number}" * 100)), candidates), candidates) == home
    assert {memory.limit for memory in made._memories.values()} == {4}
    assert len(made._memories) == 2 * MEMORIES


def test_names_that_clients_make_up_are_forgotten() -> None:
    made = PrefixAware(PrefixAwareSettings(), Random(1))
    for number in range(2 * MEMORIES):
        made.score(call(prompt("x" * 1000)), [candidate(str(number))])
    assert len(made._memories) == MEMORIES


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 50))
def test_memory_is_bounded_and_forgets_the_end_of_a_prompt_first(prompts: list[int], limit: int) -> None:
    memory = Memory(limit)
    for number in prompts:
        memory.add([hash((number, piece)) for piece in range(number)])
        assert len(memory) <= limit
        chain = [hash((number, piece)) for piece in range(number)]
        assert memory.matched(chain) == min(number, limit)
