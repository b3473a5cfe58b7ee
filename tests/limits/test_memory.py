"""The invariants of counting in memory: never too much, nothing lost, nothing kept for ever."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from forebay.core.limits import Amount, Budget, Grant, Holder, Level, Refusal
from forebay.limits.memory import MemoryCounters

NOTHING = Amount()


class Clock:
    """Time that passes when it is told to, and a clock that may be set back meanwhile."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.set_back = 0.0

    def __call__(self) -> float:
        return 1000.0 + self.passed - self.set_back


STEPS = st.lists(
    st.tuples(st.floats(0, 30), st.one_of(st.just(0.0), st.floats(0, 1e5)), st.integers(0, 40)), max_size=60
)


@given(limit=st.integers(1, 50), steps=STEPS)
async def test_in_no_span_of_time_more_than_a_full_bucket_and_what_flowed_in(
    limit: int, steps: list[tuple[float, float, int]]
) -> None:
    clock = Clock()
    counters = MemoryCounters(clock)
    passed: list[tuple[float, int]] = []
    for pause, back, tokens in steps:
        clock.passed += pause
        clock.set_back += back
        if isinstance(await counters.take([Holder("key", "a", "a", tpm=limit)], Amount(tokens)), Grant):
            passed.append((clock.passed, tokens))
    for number, (begin, _) in enumerate(passed):
        for end, _ in passed[number:]:
            taken = sum(tokens for at, tokens in passed if begin <= at <= end)
            assert taken <= limit * (1 + (end - begin) / 60) + 1e-6


@given(
    requests=st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 10**13), st.integers(0, 10**13)), max_size=30
    ),
    order=st.randoms(use_true_random=False),
)
async def test_what_is_left_after_all_have_ended_is_what_they_used(
    requests: list[tuple[int, int, int, int]], order: Random
) -> None:
    clock = Clock()
    counters = MemoryCounters(clock, lambda: 0.0)
    budget = Budget("budget_day", "1970-01-01", 10**18, 86_400.0)
    holders = [Holder("key", "a", "a", tpm=10**6, parallel=100), Holder("tenant", "t", "t", budgets=(budget,))]
    grants = []
    for tokens, used, cost, spent in requests:
        grant = await counters.take(holders, Amount(tokens, cost))
        assert isinstance(grant, Grant)
        grants.append((grant, Amount(used, spent)))
    assert [each.running for each in await counters.look(holders)] == [len(requests)] * 2
    order.shuffle(grants)
    for grant, amount in grants:
        counters.settle(grant, amount)
    first, second = await counters.look(holders)
    assert (first.running, second.running) == (0, 0)
    assert first.tokens >= sum(used for _, used, _, _ in requests)
    assert second.spent == (sum(spent for *_, spent in requests),)


@given(places=st.integers(1, 5), moves=st.lists(st.booleans(), max_size=80))
async def test_never_more_at_once_than_places(places: int, moves: list[bool]) -> None:
    counters = MemoryCounters(Clock())
    holder = Holder("key", "a", "a", parallel=places)
    running: list[Grant] = []
    for begin in moves:
        if begin:
            got = await counters.take([holder], NOTHING)
            assert isinstance(got, Grant) is (len(running) < places)
            if isinstance(got, Grant):
                running.append(got)
        elif running:
            counters.settle(running.pop(), NOTHING)
    (level,) = await counters.look([holder])
    assert level.running == len(running)


async def test_thousands_of_keys_a_second_take_bounded_memory_and_who_is_answered_is_not_forgotten() -> None:
    counters = MemoryCounters(Clock(), most=1000)
    busy = Holder("key", "busy", "busy", rpm=10, parallel=1)
    grant = await counters.take([busy], NOTHING)
    assert isinstance(grant, Grant)
    for number in range(20_000):
        got = await counters.take([Holder("key", str(number), "x", rpm=10)], NOTHING)
        assert isinstance(got, Grant)
        counters.settle(got, NOTHING)
    assert counters.gauges()["holders"] <= 1000
    assert isinstance(await counters.take([busy], NOTHING), Refusal)


async def test_days_end_and_months_go_on() -> None:
    now = 0.0
    counters = MemoryCounters(Clock(), lambda: now)
    for day in range(1, 41):
        now = day * 86_400.0
        budgets = (
            Budget("budget_day", f"day {day}", 10, now + 86_400),
            Budget("budget_month", f"month {day // 31}", 1000, (day // 31 + 1) * 31 * 86_400.0),
        )
        holder = Holder("tenant", "t", "t", budgets=budgets)
        grant = await counters.take([holder], Amount(0, 10))
        assert isinstance(grant, Grant)
        assert grant.levels[0].spent == (10, 10 * (day if day < 31 else day - 30))
        assert isinstance(await counters.take([holder], Amount(0, 1)), Refusal)


async def test_settling_what_has_been_forgotten_changes_nothing() -> None:
    counters = MemoryCounters(Clock())
    holder = Holder("key", "a", "a", tpm=10, parallel=1)
    counters.settle(Grant("", [holder], Amount(5), [Level()]), NOTHING)
    assert await counters.look([holder]) == [Level()]
