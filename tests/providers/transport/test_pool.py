"""Connections that are kept, shared, bounded, and never used once they are closed."""

import asyncio

import pytest

from forebay.core.types import TimeOuts
from forebay.providers.transport import (
    Client,
    ClosedError,
    ConnectError,
    CutError,
    Limits,
    PoolFullError,
    TimedOutError,
    UnansweredError,
)
from tests.providers.transport.conftest import Asking, sockets
from tests.support.upstream import Asked, Peer, chunk, chunked, reply, upstream

OK = reply(b"ok")


async def post(client: Client, timeouts: TimeOuts = TimeOuts()) -> bytes:  # noqa: B008
    return await (await client.send(b"POST", b"/chat", b"{}", timeouts=timeouts)).read(1 << 20)


class Gate:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.waiting = 0
        self.permits = asyncio.Semaphore(0)

    async def __call__(self, _asked: Asked, peer: Peer) -> None:
        self.waiting += 1
        await self.permits.acquire()
        self.waiting -= 1
        await peer.send(OK)

    async def until(self, waiting: int) -> None:
        async with asyncio.timeout(5):
            while self.waiting != waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def let(self, number: int) -> None:
        for _ in range(number):
            self.permits.release()


async def test_one_connection_serves_one_request_after_the_other(asking: Asking) -> None:
    async with upstream(OK) as up, asking(up) as client:
        for _ in range(20):
            assert await post(client) == b"ok"
    assert (up.accepted, len(up.asked)) == (1, 20)


async def test_the_connection_used_last_is_used_next(asking: Asking) -> None:
    used: list[int] = []

    async def answer(asked: Asked, peer: Peer) -> None:
        used.append(id(peer))
        await gate(asked, peer)

    gate = Gate()
    async with upstream(answer) as up, asking(up) as client:
        tasks = [asyncio.create_task(post(client)) for _ in range(3)]
        await gate.until(3)
        gate.let(3)
        await asyncio.gather(*tasks)
        gate.let(5)
        for _ in range(5):
            await post(client)
    assert len(set(used[3:])) == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"ok", b"connection: close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        OK + OK,
        OK + b"HTT",
        OK + b"garbage",
        chunked(b"ok") + b"more",
    ],
)
async def test_a_connection_that_is_not_clean_is_not_kept(asking: Asking, answer: bytes) -> None:
    async with upstream(answer) as up, asking(up) as client:
        for _ in range(3):
            assert await post(client) == b"ok"
    assert up.accepted == 3


async def test_bytes_that_nobody_asked_for_close_an_idle_connection(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(OK, reply(b"late", status=b"408 Request Timeout"), pause=0.05)

    async with upstream(answer) as up, asking(up) as client:
        for _ in range(2):
            assert await post(client) == b"ok"
            await asyncio.sleep(0.1)
    assert up.accepted == 2


@pytest.mark.parametrize("reset", [False, True])
async def test_an_idle_connection_that_was_closed_is_not_used(asking: Asking, reset: bool) -> None:  # noqa: FBT001
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(OK)
        peer.reset() if reset else peer.writer.close()

    async with upstream(answer) as up, asking(up) as client:
        for _ in range(5):
            assert await post(client) == b"ok"
            await asyncio.sleep(0.02)
    assert (up.accepted, len(up.asked)) == (5, 5)


@pytest.mark.parametrize("reset", [False, True])
async def test_a_request_that_met_a_closing_connection_is_repeated_once(
    asking: Asking,
    reset: bool,  # noqa: FBT001
) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        if len(up.asked) in {2, 4, 5}:
            peer.reset() if reset else peer.writer.close()
        else:
            await peer.send(OK)

    async with upstream(answer) as up, asking(up) as client:
        assert await post(client) == b"ok"
        assert await post(client) == b"ok"
        assert (up.accepted, len(up.asked)) == (2, 3)
        with pytest.raises(UnansweredError):
            await post(client)
        assert (up.accepted, len(up.asked)) == (3, 5)


async def test_a_fresh_connection_is_not_an_idle_one(asking: Asking) -> None:
    """Two idle connections, both about to be closed: the repetition must not meet the second."""

    async def answer(asked: Asked, peer: Peer) -> None:
        if len(up.asked) <= 2:
            await gate(asked, peer)
        elif up.accepted == 2:
            peer.writer.close()
        else:
            await peer.send(OK)

    gate = Gate()
    async with upstream(answer) as up, asking(up, limits=Limits(connections=2)) as client:
        tasks = [asyncio.create_task(post(client)) for _ in range(2)]
        await gate.until(2)
        gate.let(2)
        await asyncio.gather(*tasks)
        assert await post(client) == b"ok"
    assert (up.accepted, len(up.asked)) == (3, 4)


async def test_a_request_whose_reply_had_begun_is_not_repeated(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        if len(up.asked) == 1:
            await peer.send(OK)
        else:
            await peer.send(b"HTTP/1.1 2", pause=0.02)
            peer.writer.close()

    async with upstream(answer) as up, asking(up) as client:
        await post(client)
        with pytest.raises(CutError):
            await post(client)
    assert len(up.asked) == 2


async def test_idle_connections_are_closed_after_a_while(asking: Asking) -> None:
    async with upstream(OK) as up, asking(up, limits=Limits(idle_seconds=0.1)) as client:
        await post(client)
        await asyncio.wait_for(up.left.wait(), 5)
        assert await post(client) == b"ok"
    assert up.accepted == 2


async def test_no_more_connections_than_allowed(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await asyncio.sleep(0.001)
        await peer.send(OK)

    async with upstream(answer) as up, asking(up, limits=Limits(connections=3)) as client:
        assert await asyncio.gather(*(post(client) for _ in range(50))) == [b"ok"] * 50
    assert (up.most, up.accepted, len(up.asked)) == (3, 3, 50)


async def test_no_more_connections_than_allowed_while_they_break(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        number = len(up.asked)
        await asyncio.sleep(0.001)
        if number % 3 == 0:
            peer.reset()
        else:
            await peer.send(OK)

    async with upstream(answer) as up, asking(up, limits=Limits(connections=3)) as client:
        results = await asyncio.gather(*(post(client) for _ in range(60)), return_exceptions=True)
        assert all(result == b"ok" or isinstance(result, CutError) for result in results)
        assert results.count(b"ok") > 30
        assert client._pool is not None
        assert client._pool._open <= 3


async def test_too_many_callers_wait(asking: Asking) -> None:
    gate = Gate()
    async with upstream(gate) as up, asking(up, limits=Limits(connections=1, waiting=1)) as client:
        first = asyncio.create_task(post(client))
        await gate.until(1)
        second = asyncio.create_task(post(client))
        await asyncio.sleep(0)
        with pytest.raises(PoolFullError):
            await post(client)
        gate.let(2)
        assert [*await asyncio.gather(first, second)] == [b"ok", b"ok"]
    assert up.accepted == 1


async def test_waiting_for_a_connection_has_an_end(asking: Asking) -> None:
    gate = Gate()
    async with upstream(gate) as up, asking(up, limits=Limits(connections=1)) as client:
        first = asyncio.create_task(post(client))
        await gate.until(1)
        with pytest.raises(TimedOutError, match="connect"):
            await post(client, TimeOuts(connect=0.05))
        gate.let(2)
        assert await first == b"ok"
        assert await post(client) == b"ok"


async def test_cancelled_waiters_leave_the_queue(asking: Asking) -> None:
    gate = Gate()
    async with upstream(gate) as up, asking(up, limits=Limits(connections=1, waiting=3)) as client:
        first = asyncio.create_task(post(client))
        await gate.until(1)
        waiters = [asyncio.create_task(post(client)) for _ in range(3)]
        await asyncio.sleep(0.01)
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)
        last = asyncio.create_task(post(client))
        gate.let(2)
        assert [*await asyncio.gather(first, last)] == [b"ok", b"ok"]
    assert len(up.asked) == 2


async def test_a_waiter_that_is_cancelled_as_its_turn_comes_passes_it_on(asking: Asking) -> None:
    """Both ways to get a turn: a connection that is free again, and the place of one that is gone."""
    for ends in (OK, reply(b"ok", b"connection: close")):
        async with upstream(ends) as up, asking(up, limits=Limits(connections=1)) as client:
            for _ in range(20):
                tasks = [asyncio.create_task(post(client)) for _ in range(6)]
                for turns in range(8):
                    tasks[turns % 4 + 1].cancel()
                    await asyncio.sleep(0)
                results = await asyncio.gather(*tasks, return_exceptions=True)
                assert results[0] == results[5] == b"ok"
            assert client._pool is not None
            assert client._pool._open <= 1
        assert up.most == 1


async def test_a_waiter_gets_the_place_of_a_connection_that_failed(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        if len(up.asked) == 1:
            await asyncio.sleep(0.05)
            peer.reset()
        else:
            await peer.send(OK)

    async with upstream(answer) as up, asking(up, limits=Limits(connections=1)) as client:
        results = await asyncio.gather(*(post(client) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [UnansweredError, bytes, bytes]


async def test_a_failure_to_connect_frees_its_place(asking: Asking) -> None:
    async with upstream(OK) as up:
        pass
    async with asking(up, limits=Limits(connections=1)) as client:
        results = await asyncio.gather(*(post(client) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, ConnectError) for result in results)


async def test_closing_tells_those_who_wait(asking: Asking) -> None:
    gate = Gate()
    async with upstream(gate) as up, asking(up, limits=Limits(connections=1)) as client:
        tasks = [asyncio.create_task(post(client)) for _ in range(3)]
        await gate.until(1)
        await client.aclose()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, ClosedError) for result in results)


# A reply whose rest nobody wants


async def test_an_abandoned_reply_that_ends_keeps_its_connection(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"data: [DONE]\n\n", end=False), chunk(b"more"), chunk(b""), pause=0.03)

    async with upstream(answer) as up, asking(up) as client:
        for _ in range(3):
            response = await client.send(b"POST", b"/chat")
            assert await response.chunk()
            response.abandon()
            await asyncio.sleep(0.15)
    assert up.accepted == 1


async def test_an_abandoned_reply_without_end_is_closed(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"data: [DONE]\n\n", end=False))
        await peer.until_left()

    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat")
        assert await response.chunk()
        response.abandon()
        await asyncio.wait_for(up.left.wait(), 5)


async def test_an_abandoned_reply_that_does_not_stop_is_closed(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"one", end=False))
        while True:
            await peer.send(chunk(b"x" * 65536))

    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat")
        await asyncio.sleep(0.2)  # until reading is paused
        response.abandon()
        await asyncio.wait_for(up.left.wait(), 5)


# Leaks


async def test_no_socket_is_left_whatever_happens(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        match len(up.asked) % 6:
            case 0:
                peer.reset()
            case 1:
                await peer.send(OK)
            case 2:
                await peer.send(b"garbage\r\n\r\n")
            case 3:
                await peer.send(chunked(b"half", end=False))
                peer.writer.close()
            case 4:
                await peer.send(chunked(b"one", b"two"))
            case _:
                await peer.until_left()

    before = sockets()
    async with upstream(answer) as up, asking(up, limits=Limits(connections=20)) as client:
        timeouts = TimeOuts(first_token=0.1)
        tasks = [asyncio.create_task(post(client, timeouts)) for _ in range(300)]
        for number, task in enumerate(tasks):
            if number % 7 == 0:
                asyncio.get_running_loop().call_later(0.001 * number, task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert client._pool is not None
        assert len(client._pool._sockets) <= 20
    async with asyncio.timeout(5):
        while sockets() > before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
