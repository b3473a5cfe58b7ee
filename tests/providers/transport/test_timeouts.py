"""Each time-out passes when it should, is named, and closes what it was about."""

import asyncio
import time

import pytest

from forebay.core.types import TimeOuts
from forebay.providers.transport import Client, TimedOutError
from tests.providers.transport.conftest import Asking
from tests.support.upstream import HOST, Asked, Peer, chunk, chunked, reply, upstream


async def post(client: Client, timeouts: TimeOuts) -> bytes:
    return await (await client.send(b"POST", b"/chat", b"{}", timeouts=timeouts)).read(1 << 20)


async def passed(client: Client, timeouts: TimeOuts) -> tuple[str, float]:
    """Which time-out passed, and after how many seconds."""
    start = time.perf_counter()
    with pytest.raises(TimedOutError) as caught:
        await post(client, timeouts)
    return caught.value.which, time.perf_counter() - start


async def test_connect(asking: Asking) -> None:
    """A TLS handshake that nobody answers."""
    async with upstream() as up, asking(f"https://{up.address}/v1") as client:
        which, seconds = await passed(client, TimeOuts(connect=0.2))
    assert which == "connect"
    assert 0.2 <= seconds < 2


async def test_first_token_before_any_byte(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.until_left()

    async with upstream(answer) as up, asking(up) as client:
        which, seconds = await passed(client, TimeOuts(first_token=0.2))
        await asyncio.wait_for(up.left.wait(), 5)
    assert which == "first_token"
    assert 0.2 <= seconds < 2


async def test_first_token_after_the_head(asking: Asking) -> None:
    """Headers, and bytes of headers, are no token."""

    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 10, pause=0.01)
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        await peer.until_left()

    async with upstream(answer) as up, asking(up) as client:
        which, seconds = await passed(client, TimeOuts(first_token=0.3))
        await asyncio.wait_for(up.left.wait(), 5)
    assert which == "first_token"
    assert 0.3 <= seconds < 2


async def test_between_tokens(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"one", end=False), *[chunk(b"x")] * 10, pause=0.05)
        await peer.until_left()

    async with upstream(answer) as up, asking(up) as client:
        which, seconds = await passed(client, TimeOuts(first_token=60, between_tokens=0.3))
        await asyncio.wait_for(up.left.wait(), 5)
    assert which == "between_tokens"
    assert 0.8 <= seconds < 3


async def test_total(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"one", end=False))
        while True:
            await peer.send(chunk(b"x"), pause=0.02)

    async with upstream(answer) as up, asking(up) as client:
        which, seconds = await passed(client, TimeOuts(total=0.4))
        await asyncio.wait_for(up.left.wait(), 5)
    assert which == "total"
    assert 0.39 <= seconds < 2


async def test_a_reader_that_dawdles_is_not_the_upstreams_fault(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 32000000\r\n\r\n", *[b"x" * 64_000] * 500)

    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat", timeouts=TimeOuts(between_tokens=0.1))
        await asyncio.sleep(0.4)
        assert len(await response.read(1 << 26)) == 32_000_000


async def test_the_total_counts_while_a_reader_dawdles(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 32000000\r\n\r\n", *[b"x" * 64_000] * 500)

    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat", timeouts=TimeOuts(total=0.3))
        await asyncio.sleep(0.5)
        with pytest.raises(TimedOutError, match="total"):
            await response.read(1 << 26)


async def test_a_short_time_out_beside_long_ones(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.until_left()

    async with upstream(answer) as up, asking(up) as client:
        long = [asyncio.create_task(post(client, TimeOuts(first_token=30))) for _ in range(3)]
        await asyncio.sleep(0.05)
        for seconds in (0.1, 0.2):
            which, spent = await passed(client, TimeOuts(first_token=seconds))
            assert which == "first_token"
            assert seconds <= spent < 2
        assert not any(task.done() for task in long)
        for task in long:
            task.cancel()
        await asyncio.gather(*long, return_exceptions=True)


async def test_a_connection_survives_the_deadlines_of_its_earlier_requests(asking: Asking) -> None:
    async with upstream(reply(b"ok")) as up, asking(up) as client:
        for _ in range(5):
            assert await post(client, TimeOuts(first_token=0.15, between_tokens=0.15, total=0.15)) == b"ok"
            await asyncio.sleep(0.1)
    assert up.accepted == 1


async def test_one_timer_for_everybody(asking: Asking) -> None:
    """A request that moves no deadline forward sets no timer."""
    set_timers = 0

    async with upstream(reply(b"ok")) as up, asking(up) as client:
        await post(client, TimeOuts())
        loop = asyncio.get_running_loop()
        assert client._pool is not None
        watch = client._pool.watch

        def counted(deadline: float) -> None:
            nonlocal set_timers
            set_timers += 1
            watch(deadline)

        client._pool.watch = counted  # type: ignore[method-assign]
        for _ in range(50):
            await post(client, TimeOuts())
    assert set_timers == 0
    assert loop.time() > 0


async def test_a_name_server_that_does_not_answer(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    async with asking("http://slow.test/v1") as client:
        loop = asyncio.get_running_loop()
        try:
            monkeypatch.setattr(loop, "getaddrinfo", never)
        except AttributeError:
            pytest.skip("uvloop's methods cannot be replaced")
        which, seconds = await passed(client, TimeOuts(connect=0.1))
    assert (which, HOST) == ("connect", "127.0.0.1")
    assert seconds < 2
