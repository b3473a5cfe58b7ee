"""What becomes of a call whose deployments fail: the next one, once more, another model, and when it is enough."""

import asyncio
import contextlib
import itertools
import time
from contextlib import aclosing
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import (
    ContentFilterError,
    ContextLengthError,
    ForebayError,
    InvalidRequestError,
    RateLimitError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.types import Call, Deployment, Operation, Reply, Stream, TimeOuts, Usage, Whole
from forebay.gateway.route import Route
from forebay.gateway.target import Model, Target
from forebay.plugins import STRATEGIES, Tools
from forebay.settings import CoolDownSettings, FallbackSettings, HedgeSettings, RetrySettings
from tests.support.scripted import call
from tests.support.turns import Turns, until

BAD = UpstreamError("bad")
NEVER = RetrySettings(max=0)
QUICK = RetrySettings(max=2, base=0.001)


def target(provider: Turns, name: str = "p/x", total: float = 900.0) -> Target:
    return Target(Deployment(name, name.partition("/")[0], "x", TimeOuts(total=total)), provider)


def model(*providers: Turns, name: str = "m", **more: Any) -> Model:
    targets = tuple(target(each, f"{name}{number}/x") for number, each in enumerate(providers))
    return Model(name, targets, **{"retries": NEVER, **more})


def route(*models: Model) -> Route:
    return Route({each.name: each for each in models}, random=Random(1))


def tried(asked: Any) -> list[tuple[str, str, str]]:
    return [(each.deployment, each.reason, each.outcome) for each in asked.trace.attempts]


async def read(reply: Reply) -> bytes:
    if isinstance(reply, Whole):
        return reply.body
    async with aclosing(reply.events) as events:
        return b"".join([event.data async for event in events])


async def test_every_attempt_is_noted() -> None:
    asked = call()
    assert await route(model(Turns(BAD), Turns(UpstreamTimeoutError("late")), Turns(b"{}")))(asked) == Whole(b"{}")
    assert tried(asked) == [
        ("m0/x", "first", "upstream_error"),
        ("m1/x", "next", "upstream_timeout"),
        ("m2/x", "next", "ok"),
    ]
    assert all(each.began <= each.ended for each in asked.trace.attempts)


async def test_a_retry_asks_all_again() -> None:
    asked = call()
    await route(model(Turns(BAD), Turns(BAD, b"{}"), retries=QUICK))(asked)
    assert [each[1] for each in tried(asked)] == ["first", "next", "retry", "next"]


async def test_a_retry_waits_for_as_long_as_it_is_asked_to() -> None:
    busy = RateLimitError("slow down", headers={"retry-after": "0.2"})
    began = time.perf_counter()
    retries = RetrySettings(max=1, base=0.0, errors=("rate_limit_exceeded",))
    await route(model(Turns(busy, b"{}"), retries=retries))(call())
    assert time.perf_counter() - began >= 0.2


async def test_enough_is_enough() -> None:
    provider = Turns(BAD)
    asked = call()
    with pytest.raises(UpstreamError) as caught:
        await route(model(provider, retries=QUICK))(asked)
    assert len(provider.asked) == 3
    assert caught.value.headers["x-forebay-attempts"] == "3"


async def test_the_total_time_out_holds_for_all_attempts() -> None:
    hanging = asyncio.Event()
    provider = Turns(BAD, hanging, b"{}")
    made = Model("m", (target(provider, total=0.2),), retries=QUICK)
    running = asyncio.create_task(route(made)(call()))
    await until(lambda: len(provider.asked) >= 2)
    left = provider.asked[1][1].timeouts.total
    assert 0 < left < 0.2
    hanging.set()
    await running
    with pytest.raises(UpstreamError):  # a pause that would end too late is not begun
        await route(Model("m", (target(Turns(BAD), total=0.1),), retries=RetrySettings(max=9, base=1e9, cap=1e9)))(
            call()
        )


async def test_a_client_that_leaves_during_the_pause_ends_it() -> None:
    provider = Turns(BAD)
    running = asyncio.create_task(route(model(provider, retries=RetrySettings(max=9, base=500, cap=500)))(call()))
    await until(lambda: provider.asked)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (BAD, "down"),
        (UnavailableError("x"), "down"),
        (RateLimitError("x"), "down"),
        (ContextLengthError("x"), "long"),
        (ContentFilterError("x"), "mild"),
        (InvalidRequestError("x"), None),
    ],
)
async def test_which_model_it_falls_back_to(error: ForebayError, answered: str | None) -> None:
    others = {name: model(Turns(name.encode()), name=name) for name in ("down", "long", "mild")}
    fallbacks = FallbackSettings(("down",), ("long",), ("mild",))
    made = route(model(Turns(error), fallbacks=fallbacks), *others.values())
    asked = call()
    if answered is None:
        with pytest.raises(InvalidRequestError):
            await made(asked)
    else:
        assert await read(await made(asked)) == answered.encode()
        assert asked.trace.attempts[-1].model == answered
        assert tried(asked)[-1] == (f"{answered}0/x", "fallback", "ok")


async def test_fallbacks_are_in_order_and_do_not_go_round() -> None:
    back = FallbackSettings(default=("m",))
    a = model(Turns(BAD), name="a", fallbacks=back)
    b = model(Turns(InvalidRequestError("no")), name="b")
    c = model(Turns(b"c"), name="c")
    first = model(Turns(BAD), fallbacks=FallbackSettings(default=("a", "b", "none", "c")))
    assert await read(await route(first, a, b, c)(call())) == b"c"


async def test_what_the_model_said_is_told_when_its_fallbacks_fail_as_well() -> None:
    first = model(Turns(ContextLengthError("too long")), fallbacks=FallbackSettings(context_length=("a",)))
    with pytest.raises(ContextLengthError):
        await route(first, model(Turns(BAD), name="a"))(call())


async def test_a_fallback_that_a_key_may_not_use_is_passed_over() -> None:
    first = model(Turns(BAD), fallbacks=FallbackSettings(default=("a", "b")))
    forbidden = Turns(b"a")
    made = route(first, model(forbidden, name="a"), model(Turns(b"b"), name="b"))
    assert await read(await made(call(models=frozenset({"m", "b"})))) == b"b"
    assert not forbidden.asked


async def test_a_deployment_that_fails_is_left_alone_and_then_tried_by_one() -> None:
    gate = asyncio.Event()
    bad, good = Turns(BAD, BAD, gate, b"{}"), Turns(b"{}")
    made = route(model(bad, good, cool_down=CoolDownSettings(failures=2, duration=0.05)))
    for _ in range(5):
        await made(call())
    assert len(bad.asked) == 2
    await asyncio.sleep(0.06)
    probe_call = call()
    probe = asyncio.create_task(made(probe_call))
    await until(lambda: len(bad.asked) >= 3)
    await asyncio.gather(*(made(call()) for _ in range(10)))
    assert len(bad.asked) == 3
    gate.set()
    await probe
    assert tried(probe_call) == [("m0/x", "probe", "ok")]
    await made(call())
    assert len(bad.asked) == 4


async def test_a_probe_that_is_cancelled_leaves_the_turn_to_the_next() -> None:
    gate = asyncio.Event()
    bad = Turns(BAD, gate, b"{}")
    made = route(model(bad, Turns(b"{}"), cool_down=CoolDownSettings(failures=1, duration=0.0)))
    await made(call())
    probe = asyncio.create_task(made(call()))
    await until(lambda: len(bad.asked) >= 2)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    asked = call()
    gate.set()
    await made(asked)
    assert tried(asked) == [("m0/x", "probe", "ok")]


class Moody(Turns):
    """Fails as often as a die says, after a while."""

    def __init__(self, seed: int) -> None:
        super().__init__(b"{}")
        self.random = Random(seed)

    async def _turn(self) -> bytes:
        await asyncio.sleep(self.random.random() / 500)
        if self.random.random() < 0.5:
            raise BAD
        return b"{}"


@pytest.mark.parametrize("hedge", [None, HedgeSettings(after=0.001, least=0.0)])
@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_there_is_never_more_than_one_probe_at_a_time(hedge: HedgeSettings | None, seed: int) -> None:
    made = model(
        Moody(seed),
        Moody(seed + 1),
        Moody(seed + 2),
        hedge=hedge,
        cool_down=CoolDownSettings(failures=1, duration=0.002),
    )
    ask = route(made)
    calls: list[Any] = []

    async def client() -> None:
        for _ in range(8):
            calls.append(call())
            with contextlib.suppress(UpstreamError, UnavailableError):
                await ask(calls[-1])

    async def run() -> None:
        await asyncio.gather(*(client() for _ in range(8)))

    asyncio.run(run())
    probes = [
        (asked.trace.accepted, each) for asked in calls for each in asked.trace.attempts if each.reason == "probe"
    ]
    for name in {each.deployment for _, each in probes}:
        spans = sorted((at + each.began, at + each.ended) for at, each in probes if each.deployment == name)
        assert all(one[1] <= other[0] + 1e-9 for one, other in itertools.pairwise(spans))
    assert not any(each.live.running or each.live.probing for each in made.targets)


async def test_when_all_cool_down_it_is_said_at_once_and_for_how_long() -> None:
    elsewhere = FallbackSettings(default=("gone",))
    made = route(
        model(Turns(BAD), Turns(BAD), cool_down=CoolDownSettings(failures=1, duration=30), fallbacks=elsewhere)
    )
    with pytest.raises(UpstreamError):
        await made(call())
    asked = call()
    with pytest.raises(UnavailableError) as caught:
        await made(asked)
    assert caught.value.headers["retry-after"] == "30"
    assert not asked.trace.attempts
    assert [name for name, _ in asked.trace.choices[0].left_out] == ["m0/x", "m1/x"]


async def test_the_only_deployment_is_never_left_alone() -> None:
    only = Turns(BAD)
    made = route(model(only, cool_down=CoolDownSettings(failures=1)))
    for _ in range(4):
        with pytest.raises(UpstreamError):
            await made(call())
    assert len(only.asked) == 4


async def test_the_last_deployment_that_can_be_asked_is_not_left_alone() -> None:
    first, last = Turns(BAD), Turns(BAD)
    made = route(model(first, last, cool_down=CoolDownSettings(failures=1, duration=30)))
    for _ in range(4):
        with pytest.raises(UpstreamError):
            await made(call())
    assert (len(first.asked), len(last.asked)) == (1, 4)


async def test_a_429_of_one_deployment_is_not_asked_for_that_time() -> None:
    busy = Turns(RateLimitError("x", headers={"retry-after": "20"}))
    made = route(model(busy, Turns(b"{}")))
    for _ in range(3):
        await made(call())
    assert len(busy.asked) == 1


async def test_a_stream_that_breaks_late_counts_against_its_deployment() -> None:
    first = Turns(b"{}", late=BAD)
    made = route(model(first, Turns(b"{}"), cool_down=CoolDownSettings(failures=1)))
    asked = call(stream=True)
    reply = await made(asked)
    assert isinstance(reply, Stream)

    with pytest.raises(UpstreamError):
        await read(reply)
    assert tried(asked) == [("m0/x", "first", "upstream_error")]
    assert asked.trace.attempts[0].cooled
    assert len(asked.trace.attempts) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("taken", [0, 1, 2, 9])
async def test_nothing_is_left_running(stream: bool, taken: int) -> None:  # noqa: FBT001
    made = model(Turns(BAD), Turns(b"{}"))
    reply = await route(made)(call(stream=stream))
    if isinstance(reply, Stream):
        assert made.targets[1].live.running == 1
        async with aclosing(reply.events) as events:
            for _ in range(min(taken, 2)):
                await anext(aiter(events))
    assert [each.live.running for each in made.targets] == [0, 0]


async def test_a_strategy_decides_and_the_trace_says_by_what() -> None:
    plugin = STRATEGIES.plugin("least-busy")
    made = model(Turns(b"{}"), Turns(b"{}"), strategy=plugin.build(plugin.settings(), Tools(Random(1), lambda _: None)))
    made.targets[0].live.running = 4
    asked = call()
    await route(made)(asked)
    assert asked.trace.choices[0].scores == (("m1/x", 1.0), ("m0/x", 5.0))
    assert asked.trace.deployment == "m1/x"


async def test_equal_scores_are_drawn() -> None:
    plugin = STRATEGIES.plugin("least-busy")
    one, other = Turns(b"{}"), Turns(b"{}")
    made = route(model(one, other, strategy=plugin.build(plugin.settings(), Tools(Random(1), lambda _: None))))
    for _ in range(100):
        await made(call())
    assert 25 < len(one.asked) < 75


async def test_speed_is_measured_where_a_strategy_wants_to_know() -> None:
    plugin = STRATEGIES.plugin("lowest-latency")
    strategy = plugin.build(plugin.settings(), Tools(Random(1), lambda _: None))
    made = model(Turns(b"{}", usage=Usage(3, 5)), Turns(b"{}"), strategy=strategy)
    for _ in range(2):
        await read(await route(made)(call(stream=True)))
    assert all(each.live.ttft is not None for each in made.targets)
    made = model(Turns(b"{}", usage=Usage(3, 5)), Turns(b"{}", usage=Usage(3, 5)), strategy=strategy)
    for _ in range(2):
        await route(made)(call())
    assert all(each.live.tpot is not None for each in made.targets)


async def test_counting_a_prompt_says_nothing_about_speed() -> None:
    plugin = STRATEGIES.plugin("lowest-latency")
    strategy = plugin.build(plugin.settings(), Tools(Random(1), lambda _: None))
    made = model(Turns(b"{}"), Turns(b"{}"), strategy=strategy)
    asked = call()
    request = msgspec.structs.replace(asked.request, operation=Operation.COUNT)
    await route(made)(Call(asked.id, request, asked.principal, asked.trace))
    assert all(each.live.ttft is None for each in made.targets)


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 3))
def test_any_course_of_failures_ends_and_leaves_nothing(failing: list[bool], retries: int) -> None:
    turns = [BAD if each else b"{}" for each in failing] or [b"{}"]
    made = model(Turns(*turns), Turns(*turns[::-1]), retries=RetrySettings(max=retries, base=0.0))
    asked = call()

    async def run() -> bool:
        try:
            await route(made)(asked)
        except (UpstreamError, UnavailableError):  # the second once all of them cool down
            return False
        return True

    assert asyncio.run(run()) or True in failing
    assert [each.live.running for each in made.targets] == [0, 0]
    assert 1 <= len(asked.trace.attempts) <= 2 * (retries + 1)
    assert all(each.outcome for each in asked.trace.attempts)
