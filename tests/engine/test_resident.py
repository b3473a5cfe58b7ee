"""A model that comes and goes: loaded once for all, kept while it is used, never beyond the limit, never stuck."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from forebay.core.errors import ForebayError, UnavailableError, UpstreamTimeoutError
from forebay.core.types import Reply, Stream
from forebay.engine import resident as module
from forebay.engine.residency import Residency
from forebay.engine.resident import Resident
from tests.support.lodgers import REPLY, House, Lodger, streamed, whole

Model = Resident[Lodger]


def resident(house: House, name: str = "a", weight: int = 1, unload_after: float | None = None) -> Model:
    return Resident(name, lambda: Lodger(house, name, weight), unload_after)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - whatever it is, the event loop brings it about
            await asyncio.sleep(0.001)


def loading(house: House) -> list[Lodger]:
    return [model for model in house.inside if model.is_loading]


async def let_in(house: House) -> None:
    """Have the model that is loading be loaded."""
    await until(lambda: loading(house))
    gate = loading(house)[0].gate
    assert gate is not None
    gate.set_result(None)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def model(house: House) -> AsyncIterator[Model]:
    """One that was started and is loaded on demand."""
    found = resident(house)
    await found.start()
    yield found
    await found.close()
    assert not house.inside


async def test_it_is_loaded_by_the_first_request_and_stays(house: House, model: Model) -> None:
    assert not house.made
    assert model.failure() is None
    assert model.gauges()["loaded"] == 0
    asked = asyncio.create_task(model.answer(whole, within=5))
    await let_in(house)
    assert await asked == await model.answer(whole, within=5) == REPLY
    assert len(house.made) == 1
    assert {"loaded": 1, "loads_total": 1, "memory_bytes": 1, "users": 0}.items() <= model.gauges().items()


async def test_all_who_ask_meanwhile_wait_for_one_load(house: House, model: Model) -> None:
    asked = [asyncio.create_task(model.answer(whole, within=5)) for _ in range(20)]
    await until(lambda: loading(house))
    late = asyncio.create_task(model.answer(whole, within=5))
    asked[0].cancel()
    asked[7].cancel()
    await let_in(house)
    replies = await asyncio.gather(*asked, late, return_exceptions=True)
    assert replies.count(REPLY) == 19
    assert len(house.made) == 1


async def test_when_all_have_left_the_load_goes_on(house: House, model: Model) -> None:
    asked = asyncio.create_task(model.answer(whole, within=5))
    await until(lambda: loading(house))
    asked.cancel()
    await asyncio.wait([asked])
    await let_in(house)
    await until(lambda: model.idle_since is not None)
    assert await model.answer(whole, within=5) == REPLY
    assert len(house.made) == 1


async def test_who_waits_too_long_is_told_and_the_load_goes_on(house: House, model: Model) -> None:
    with pytest.raises(UpstreamTimeoutError, match=r"'a' was not loaded within 0\.01 seconds"):
        await model.answer(whole, within=0.01)
    await let_in(house)
    assert await model.answer(whole, within=5) == REPLY
    assert len(house.made) == 1


async def test_a_failed_load_is_told_to_all_and_tried_again_later(
    house: House, model: Model, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = [asyncio.create_task(model.answer(whole, within=5)) for _ in range(3)]
    await until(lambda: loading(house))
    gate = loading(house)[0].gate
    assert gate is not None
    gate.set_exception(RuntimeError("/secret/path is broken"))
    errors = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in errors] == [UnavailableError] * 3
    assert len(set(map(id, errors))) == 3
    assert "/secret" not in str(errors[0])
    assert "/secret/path is broken" in caplog.text
    assert not house.inside
    assert model.failure()
    with pytest.raises(UnavailableError) as refused:
        await model.answer(whole, within=5)
    assert refused.value.headers["retry-after"] == "5"
    assert len(house.made) == 1
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    assert model.failure() is None
    again = asyncio.create_task(model.answer(whole, within=5))
    await let_in(house)
    assert await again == REPLY


async def test_what_fails_at_the_start_is_raised_as_it_is(house: House) -> None:
    found = resident(house)
    starting = asyncio.create_task(found.load())
    await until(lambda: loading(house))
    gate = loading(house)[0].gate
    assert gate is not None
    gate.set_exception(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        await starting
    assert found.failure()
    await found.close()


async def test_after_a_while_without_use_it_leaves_and_comes_back(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    found = resident(house, unload_after=0.02)
    await found.start()
    for times in (1, 2):
        asked = asyncio.create_task(found.answer(whole, within=5))
        await let_in(house)
        assert await asked == REPLY
        await until(lambda: not house.inside)
        await until(lambda: found.gauges()["unloads_total"] == times)  # noqa: B023 - awaited here
        assert found.gauges()["memory_bytes"] == 0
        assert found.failure() is None
    assert [record.message.split(" in ")[0] for record in caplog.records] == ["loaded a", "unloaded a"] * 2
    await found.close()


async def test_a_stream_keeps_it_until_it_is_closed(house: House) -> None:
    found = resident(house, unload_after=0.01)
    await found.start()
    asked = asyncio.create_task(found.answer(streamed, within=5))
    await let_in(house)
    reply = await asked
    assert isinstance(reply, Stream)
    assert (await anext(reply.events)).data
    await asyncio.sleep(0.05)
    assert house.inside
    await found.evict()
    assert house.inside, "nobody takes away what is used"
    await reply.events.aclose()
    await reply.events.aclose()
    await until(lambda: not house.inside)
    await found.close()


async def test_a_request_that_comes_while_it_leaves_has_it_loaded_again(house: House, model: Model) -> None:
    first = asyncio.create_task(model.answer(whole, within=5))
    await let_in(house)
    await first
    leaving = asyncio.create_task(model.evict())
    await asyncio.sleep(0)
    second = asyncio.create_task(model.answer(whole, within=5))
    await leaving
    await let_in(house)
    assert await second == REPLY
    assert len(house.made) == 2


async def test_when_it_is_closed_those_who_wait_are_told(house: House, model: Model) -> None:
    asked = asyncio.create_task(model.answer(whole, within=5))
    await until(lambda: loading(house))
    await model.close()
    with pytest.raises(UnavailableError):
        await asked
    assert not house.inside
    with pytest.raises(UnavailableError):
        await model.answer(whole, within=5)


async def test_its_own_failure_is_told(house: House, model: Model) -> None:
    asked = asyncio.create_task(model.answer(whole, within=5))
    await let_in(house)
    await asked
    house.inside[0].trouble = "The thread has died."
    assert model.failure() == "The thread has died."


async def test_no_room_is_told_and_is_no_failure(house: House) -> None:
    residency = Residency(1, patience=0.01)
    first, second = (resident(house, name) for name in "ab")
    for each in (first, second):
        each.residency = residency
        await each.start()
    asked = asyncio.create_task(first.answer(streamed, within=5))
    await let_in(house)
    reply = await asked
    assert isinstance(reply, Stream)
    with pytest.raises(UnavailableError, match="no room in memory for 'b'") as refused:
        await second.answer(whole, within=5)
    assert refused.value.headers == {"retry-after": "5"}
    assert second.failure() is None
    await reply.events.aclose()
    asked = asyncio.create_task(second.answer(whole, within=5))
    await let_in(house)
    assert await asked == REPLY
    assert [model.name for model in house.inside] == ["b"]
    for each in (first, second):
        await each.close()


# Whatever happens, in whichever order.

WEIGHTS = {"a": 3, "b": 4, "c": 5}
LIMIT = 8


class Request:
    """A request for one of the models: it uses it until it is let go."""

    def __init__(self, model: Model, *, stream: bool) -> None:
        self.done = asyncio.Event()
        self._stream = stream
        self.task = asyncio.create_task(self._run(model))

    async def _run(self, model: Model) -> Reply:
        reply = await model.answer(self._ask, within=1000)
        if isinstance(reply, Stream):
            async with contextlib.aclosing(reply.events):
                await self.done.wait()
        return reply

    async def _ask(self, model: Lodger) -> Reply:
        if self._stream:
            return await streamed(model)
        model.users += 1
        try:
            await self.done.wait()
        finally:
            model.users -= 1
        return REPLY


class Comings(RuleBasedStateMachine):
    """Three models, of which at most two fit."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.house = House()
        self.requests: list[Request] = []
        self.models: dict[str, Model] = {}
        self.run(self._build())

    def run(self, work: Awaitable[None]) -> None:
        async def settled() -> None:
            await work
            await self._settle()

        self.loop.run_until_complete(settled())

    async def _build(self) -> None:
        residency = Residency(LIMIT, patience=1000)
        self.models = {name: resident(self.house, name, weight) for name, weight in WEIGHTS.items()}
        for model in self.models.values():
            model.residency = residency
            await model.start()

    async def _settle(self) -> None:
        """Go on until nothing moves by itself."""
        for _ in range(3):
            for _ in range(15):
                await asyncio.sleep(0)
            leaving = [model._unloading for model in self.models.values() if model._unloading]
            if leaving:
                await asyncio.wait(leaving)

    @rule(name=st.sampled_from("abc"), stream=st.booleans())
    def ask(self, name: str, stream: bool) -> None:  # noqa: FBT001
        async def go() -> None:
            self.requests.append(Request(self.models[name], stream=stream))

        self.run(go())

    @precondition(lambda self: bool(self.requests))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.requests))

        async def go() -> None:
            request.done.set()

        self.run(go())

    @precondition(lambda self: bool(self.requests))
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.requests))

        async def go() -> None:
            request.task.cancel()

        self.run(go())

    @precondition(lambda self: bool(loading(self.house)))
    @rule(fails=st.booleans(), data=st.data())
    def load_ends(self, fails: bool, data: st.DataObject) -> None:  # noqa: FBT001
        model = data.draw(st.sampled_from(loading(self.house)))

        async def go() -> None:
            assert model.gate is not None
            if fails:
                model.gate.set_exception(RuntimeError("broken"))
            else:
                model.gate.set_result(None)

        self.run(go())

    @rule(name=st.sampled_from("abc"))
    def time_passes(self, name: str) -> None:
        async def go() -> None:
            self.models[name]._failed = float("-inf")
            self.models[name]._expire()

        self.run(go())

    @invariant()
    def memory_is_respected(self) -> None:
        assert self.house.weight <= LIMIT
        names = [model.name for model in self.house.inside]
        assert len(names) == len(set(names))
        residency = self.models["a"].residency
        assert residency.used >= self.house.weight

    @invariant()
    def what_is_used_is_there(self) -> None:
        assert all(model in self.house.inside for model in self.house.made if model.users)

    @invariant()
    def who_was_answered_was_answered_well(self) -> None:
        for request in self.requests:
            if request.task.done() and not request.task.cancelled() and (error := request.task.exception()):
                assert isinstance(error, ForebayError)
                assert "could not be loaded" in error.message

    def teardown(self) -> None:
        """Nobody is stuck: when loads end well and requests are let go, all are answered, and all memory is free."""

        async def end() -> None:
            async with asyncio.timeout(20):
                while not all(request.task.done() for request in self.requests):
                    for request in self.requests:
                        request.done.set()
                    for lodger in loading(self.house):
                        assert lodger.gate is not None
                        lodger.gate.set_result(None)
                    await self._settle()
            for model in self.models.values():
                await model.close()
            assert not self.house.inside
            assert not self.models["a"].residency.used

        self.run(end())
        self.loop.close()


TestComings = Comings.TestCase
TestComings.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
