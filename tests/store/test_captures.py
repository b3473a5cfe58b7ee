"""Captured bodies in both databases: found, listed, and deleted when they are too old or too many."""

from forebay.core.captures import Capture
from forebay.core.requestlog import RequestQuery
from forebay.store.captures import CaptureTable
from forebay.store.database import Database


def capture(number: int, size: int = 10) -> Capture:
    name = f"req_{number}"
    return Capture(name, float(number), "team", "alice", "chat/completions", "m", b"{}".ljust(size), b"{}")


async def test_captures_are_found_and_listed(database: Database) -> None:
    table = CaptureTable(database)
    await table.add([capture(number) for number in range(4)])
    assert await table.find("req_2") == capture(2)
    assert await table.find("req_9") is None
    found = await table.latest(RequestQuery(tenant="team", model="m"), 2)
    assert [each.at for each in found] == [3.0, 2.0]
    rest = await table.latest(RequestQuery(before=(2.0, "req_2")), 9)
    assert [each.at for each in rest] == [1.0, 0.0]
    assert await table.latest(RequestQuery(tenant="other"), 9) == []


async def test_the_old_and_the_too_many_are_forgotten(database: Database) -> None:
    table = CaptureTable(database)
    await table.add([capture(number, 98) for number in range(10)])
    await table.forget(3.0, 10_000)
    assert [each.at for each in await table.latest(RequestQuery(), 20)] == [float(each) for each in range(9, 2, -1)]
    await table.add([capture(number, 98) for number in range(20, 1020)])
    await table.forget(0.0, 60_000)
    kept = await table.latest(RequestQuery(), 2000)
    assert sum(len(each.request) + len(each.reply) for each in kept) <= 60_000
    assert kept[0].at == 1019.0
