"""Who gets memory, who has to leave for it, and what is said where there is none."""

import asyncio

import pytest

from forebay.core.errors import UnavailableError
from forebay.engine.errors import NoRoomError
from forebay.engine.residency import MIB, Residency


class Guest:
    """A model that is idle since a time that the test sets."""

    def __init__(self, name: str, residency: Residency, idle_since: float | None = None) -> None:
        self.name = name
        self.idle_since = idle_since
        self._residency = residency
        self.evicted = 0
        self.seconds = 0.0

    async def evict(self) -> None:
        self.evicted += 1
        await asyncio.sleep(self.seconds)
        self.idle_since = None
        self._residency.leave(self)


async def test_without_a_limit_everybody_gets_what_they_want() -> None:
    residency = Residency()
    for number in range(5):
        await residency.enter(Guest(str(number), residency), 2**40)
    assert residency.used == 5 * 2**40


async def test_the_one_that_has_been_idle_for_the_longest_time_leaves() -> None:
    residency = Residency(3 * MIB)
    guests = [Guest(str(number), residency, idle_since) for number, idle_since in enumerate((2.0, 1.0, 3.0))]
    for guest in guests:
        await residency.enter(guest, MIB)
    await residency.enter(Guest("new", residency), MIB)
    assert [guest.evicted for guest in guests] == [0, 1, 0]
    await residency.enter(Guest("large", residency), 2 * MIB)
    assert [guest.evicted for guest in guests] == [1, 1, 1]
    assert residency.used == residency.limit


async def test_nobody_leaves_where_that_would_not_help() -> None:
    residency = Residency(3 * MIB, patience=0.02)
    idle, busy = Guest("idle", residency, 1.0), Guest("busy", residency)
    await residency.enter(idle, MIB)
    await residency.enter(busy, 2 * MIB)
    with pytest.raises(UnavailableError) as refused:
        await residency.enter(Guest("new", residency), 2 * MIB)
    assert not idle.evicted
    assert refused.value.message == (
        "There is no room in memory for 'new' now: it needs about 2 MiB, and the models in use have 2 MiB of 3 MiB. "
        "Try again later."
    )
    assert refused.value.headers == {"retry-after": "5"}


async def test_who_waits_comes_in_as_soon_as_there_is_room() -> None:
    residency = Residency(2 * MIB)
    busy = Guest("busy", residency)
    await residency.enter(busy, 2 * MIB)
    waiting = asyncio.create_task(residency.enter(Guest("new", residency), MIB))
    await asyncio.sleep(0)
    assert residency.used == 2 * MIB
    busy.idle_since = 1.0
    residency.notice()
    await asyncio.wait_for(waiting, 1)
    assert residency.used == MIB
    assert busy.evicted == 1


async def test_who_makes_another_leave_waits_for_that_however_long_it_takes() -> None:
    residency = Residency(MIB, patience=0.01)
    slow = Guest("slow", residency, 1.0)
    slow.seconds = 0.05
    await residency.enter(slow, MIB)
    new = Guest("new", residency)
    await residency.enter(new, MIB)
    assert residency.held(new) == MIB


async def test_a_small_one_does_not_pass_a_large_one_that_waits() -> None:
    residency = Residency(4 * MIB)
    busy, small = Guest("busy", residency), Guest("small", residency)
    await residency.enter(busy, 3 * MIB)
    large = asyncio.create_task(residency.enter(Guest("large", residency), 4 * MIB))
    await asyncio.sleep(0)
    second = asyncio.create_task(residency.enter(small, MIB))
    await asyncio.sleep(0.01)
    assert not residency.held(small)
    residency.leave(busy)
    await asyncio.wait_for(large, 1)
    second.cancel()


async def test_what_can_never_fit_is_refused_at_once() -> None:
    residency = Residency(MIB, patience=1000)
    words = r"needs about 2 MiB .* Raise engine\.memory, or lower"
    with pytest.raises(UnavailableError, match=words) as refused:
        await residency.enter(Guest("huge", residency), 2 * MIB)
    assert "retry-after" not in refused.value.headers
    with pytest.raises(NoRoomError, match=words):
        await residency.settle(Guest("huge", residency), 2 * MIB)


async def test_at_the_start_nobody_has_to_leave() -> None:
    residency = Residency(3 * MIB)
    first = Guest("first", residency, 1.0)
    await residency.settle(first, 2 * MIB)
    with pytest.raises(NoRoomError, match=r"Give some of them 'load: demand', or raise engine\.memory"):
        await residency.settle(Guest("second", residency), 2 * MIB)
    assert not first.evicted
