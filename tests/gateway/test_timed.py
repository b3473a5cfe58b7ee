"""The times of a stage stand in the call's story, whatever becomes of it."""

import asyncio

import pytest

from forebay.core.errors import UpstreamError
from forebay.core.ports import Handler
from forebay.core.types import Call, Reply, Whole
from forebay.gateway.pipeline import compose
from forebay.gateway.timed import Timed
from tests.support.scripted import call


async def outer(call: Call, ask: Handler) -> Reply:
    await asyncio.sleep(0.002)
    reply = await ask(call)
    await asyncio.sleep(0.001)
    return reply


async def inner(_call: Call, _ask: Handler) -> Reply:
    await asyncio.sleep(0.001)
    return Whole(b"{}")


async def failing(_call: Call, _ask: Handler) -> Reply:
    raise UpstreamError("x")


async def last(_call: Call) -> Reply:
    raise AssertionError


async def test_stages_stand_in_each_other() -> None:
    asked = call()
    await compose((Timed("outer", outer), Timed("inner", inner)), last)(asked)
    around, within = asked.trace.story.steps
    assert (around.name, within.name) == ("outer", "inner")
    assert 0 < around.began + 0.002 <= around.asked <= within.began < within.ended <= around.answered < around.ended
    assert (within.asked, within.answered) == (0.0, 0.0), "it answered by itself"


async def test_a_stage_that_fails_has_ended_too() -> None:
    asked = call()
    with pytest.raises(UpstreamError):
        await compose((Timed("outer", outer), Timed("inner", failing)), last)(asked)
    assert all(step.ended >= step.began for step in asked.trace.story.steps)
    assert asked.trace.story.steps[0].answered > 0
