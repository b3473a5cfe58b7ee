"""Whose a request is: while it runs, just after it, and when another process tells of it a moment later."""

import asyncio

import msgspec

from forebay.api.conversations.asked import PATIENCE_SECONDS, Asked
from forebay.core.types import Call, Principal
from forebay.gateway.explain import Explanations
from forebay.meter.journal import Journal
from forebay.meter.recent import Recent
from tests.support.records import record
from tests.support.scripted import call

ALICE, BOB, STRANGER = Principal("alice", "team"), Principal("bob", "team"), Principal("alice", "other")
ID = f"req_{'a' * 20}"
MINE = msgspec.structs.replace(record(1), id=ID)


async def test_a_running_request_is_its_askers() -> None:
    explanations = Explanations()
    plain = call()
    explanations.keep(Call(ID, plain.request, ALICE, plain.trace))
    asked = Asked(explanations, (), Journal([]).flush)
    found = await asyncio.gather(asked.by(ALICE, ID), asked.by(BOB, ID), asked.by(STRANGER, ID))
    assert tuple(found) == (True, False, False)


async def test_what_has_just_ended_here_waits_in_the_journal() -> None:
    log = Recent()
    journal = Journal([log])
    journal.record(MINE)
    async with asyncio.timeout(PATIENCE_SECONDS / 4):
        assert await Asked(Explanations(), (log,), journal.flush).by(ALICE, ID)


async def test_what_others_tell_of_later_is_waited_for() -> None:
    log = Recent()
    asyncio.get_running_loop().call_later(PATIENCE_SECONDS / 4, log, [MINE])
    asked = Asked(Explanations(), (Recent(), log), Journal([]).flush)
    found = await asyncio.gather(asked.by(ALICE, ID), asked.by(STRANGER, ID))
    assert tuple(found) == (True, False)


async def test_what_is_no_id_is_not_waited_for() -> None:
    async with asyncio.timeout(PATIENCE_SECONDS / 4):
        assert not await Asked(Explanations(), (Recent(),), Journal([]).flush).by(ALICE, "req_1")
