"""The server against real sockets: framing, order, bounds, and clients that dawdle, lie or leave."""

import asyncio
import contextlib
import gc
import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.server.exchange import Scope
from forebay.server.limits import Limits
from tests.server.conftest import Receive, Send, Serve, echo
from tests.support.serving import Running

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /p HTTP/1.1", b"host: x", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def error_of(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return int(head.split()[1]), error["code"] or error["type"]


async def test_keep_alive_serves_one_request_after_the_other(serve: Serve) -> None:
    async with serve(echo) as running:
        reader, writer = await running.connect()
        for number in range(3):
            writer.write(post(b"x" * number))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"date: " in head
            assert await reader.readline() == b"POST /p %d\n" % number
            await reader.readexactly(number)
        writer.close()
        await running.until(lambda: running.open_connections == 0)


async def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    async with serve(echo) as running:
        answer = await running.exchange(GET + post(b"body") + GET * 50 + LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 53
    assert answer.index(b"POST /p 4\nbody") < answer.index(b"GET /last")


async def test_a_request_may_come_in_any_pieces(serve: Serve) -> None:
    request = post(b"hello", b"connection: close")
    async with serve(echo) as running:
        for cut in range(1, len(request)):
            answer = await running.exchange(request[:cut], request[cut:])
            assert answer.endswith(b"POST /p 5\nhello"), cut


async def test_chunked_request_body(serve: Serve) -> None:
    request = (
        b"POST /c HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n"
    )
    async with serve(echo) as running:
        assert (await running.exchange(request)).endswith(b"POST /c 5\nabcde")


async def test_head_has_the_length_but_no_body(serve: Serve) -> None:
    async with serve(echo) as running:
        answer = await running.exchange(b"HEAD /h HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert b"content-length: 10\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_http_1_0_is_answered_and_closed(serve: Serve) -> None:
    async with serve(echo) as running:
        answer = await running.exchange(b"GET /old HTTP/1.0\r\n\r\n")
    assert b"connection: close" in answer
    assert answer.endswith(b"GET /old 0\n")


async def test_expect_continue_is_granted_before_the_body(serve: Serve) -> None:
    async with serve(echo) as running:
        reader, writer = await running.connect()
        writer.write(b"POST /e HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(12) == b"POST /e 2\nok"
        writer.close()


async def test_an_offer_to_upgrade_is_answered_in_http_1_1(serve: Serve) -> None:
    async with serve(echo) as running:
        answer = await running.exchange(post(b"hi", b"connection: Upgrade", b"upgrade: h2c") + LAST)
    assert b"\r\n\r\nPOST /p 2\nhi" in answer
    assert answer.endswith(b"GET /last 0\n")


async def test_connect_is_refused(serve: Serve) -> None:
    async with serve(echo, Limits(linger_seconds=0.1)) as running:
        answer = await running.exchange(b"CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n")
    assert error_of(answer) == (400, "invalid_request_error")


async def test_too_many_headers(serve: Serve) -> None:
    limits = Limits(linger_seconds=0.1)
    async with serve(echo, limits) as running:
        for count, status in ((limits.header_fields - 2, 200), (limits.header_fields, 400)):
            fields = b"".join(b"x%d:\r\n" % number for number in range(count))
            head = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + fields + b"\r\n"
            assert (await running.exchange(head)).startswith(b"HTTP/1.1 %d" % status)


async def test_trailers_are_no_headers(serve: Serve) -> None:
    async def names(scope: Scope, _receive: Receive, send: Send) -> None:
        body = b" ".join(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": body})

    async with serve(names) as running:
        head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        answer = await running.exchange(head + b"1\r\na\r\n0\r\nauthorization: Bearer sk-1\r\n\r\n")
        assert answer.endswith(b"\r\n\r\nhost transfer-encoding")
        many = b"".join(b"x%d: %b\r\n" % (number, b"y" * 1000) for number in range(100))
        assert error_of(await running.exchange(head + b"1\r\na\r\n0\r\n" + many + b"\r\n"))[0] == 400


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: two\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_what_is_no_http_gets_a_400(serve: Serve, request_bytes: bytes) -> None:
    async with serve(echo, Limits(linger_seconds=0.1)) as running:
        assert error_of(await running.exchange(request_bytes)) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 50000000",
        b"transfer-encoding: chunked",
    ],
)
async def test_a_body_beyond_the_limit_gets_a_413_that_can_be_read(serve: Serve, head: bytes) -> None:
    """The client goes on sending after the refusal; a reset would destroy the reply on its way."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with serve(echo, Limits(body_bytes=100_000, linger_seconds=0.5)) as running:
        answer = await running.exchange(b"POST / HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n", *[chunk] * 30)
        await running.until(lambda: running.open_connections == 0)
    assert error_of(answer) == (413, "payload_too_large")


async def test_endless_headers_are_refused(serve: Serve) -> None:
    async with serve(echo, Limits(header_bytes=10_000, linger_seconds=0.1)) as running:
        line = b"x-filler: " + b"y" * 1000 + b"\r\n"
        answer = await running.exchange(b"GET / HTTP/1.1\r\nhost: x\r\n", *[line] * 30)
    assert error_of(answer) == (400, "invalid_request_error")


async def test_a_dawdling_client_gets_a_408(serve: Serve) -> None:
    limits = Limits(header_seconds=0.2, body_seconds=0.2, linger_seconds=0.1)
    async with serve(echo, limits) as running:
        assert error_of(await running.exchange(b"GET / HT")) == (408, "request_timeout")
        slow_body = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc"
        assert error_of(await running.exchange(slow_body)) == (408, "request_timeout")


async def test_one_byte_at_a_time_does_not_extend_the_deadline(serve: Serve) -> None:
    async with serve(echo, Limits(header_seconds=0.3, linger_seconds=0.1)) as running:
        reader, writer = await running.connect()
        began = asyncio.get_running_loop().time()
        reading = asyncio.create_task(reader.read(-1))
        for byte in b"GET /" + b"a" * 1000:
            if reading.done() or writer.is_closing():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
        assert error_of(await reading) == (408, "request_timeout")
        assert asyncio.get_running_loop().time() - began < 3
        writer.close()


async def test_an_idle_connection_is_closed(serve: Serve) -> None:
    async with serve(echo, Limits(header_seconds=0.2, keep_alive_seconds=0.2)) as running:
        assert await running.exchange() == b""
        assert (await running.exchange(GET)).endswith(b"GET /a 0\n")


async def test_a_client_that_leaves_cancels_its_work(serve: Serve) -> None:
    cancelled = asyncio.Event()
    started = asyncio.Event()

    async def wait(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    async with serve(wait) as running:
        _, writer = await running.connect()
        writer.write(GET)
        await asyncio.wait_for(started.wait(), 5)
        writer.close()
        await asyncio.wait_for(cancelled.wait(), 5)
        await running.until(lambda: not running.server.server_state.tasks and not running.open_connections)


async def test_a_client_that_never_reads_is_cut_off_and_memory_stays_bounded(serve: Serve) -> None:
    sent = 0
    ended = asyncio.Event()

    async def flood(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal sent
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                sent += 65536
        finally:
            ended.set()

    async with serve(flood, Limits(write_seconds=0.3)) as running:
        _, writer = await running.connect()
        writer.write(GET)
        await asyncio.wait_for(ended.wait(), 10)
        await running.until(lambda: running.open_connections == 0)
        writer.transport.abort()
    assert sent < 32 * 1024 * 1024


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate, gzip", b"x"])
async def test_a_compressed_body_gets_a_415_that_says_why(serve: Serve, encoding: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-encoding: " + encoding + b"\r\ncontent-length: 3\r\n\r\n"
    async with serve(echo) as running:
        answer = await running.exchange(head, b"abc")
    assert error_of(answer) == (415, "unsupported_media_type")
    assert b"accept-encoding: identity" in answer


async def test_identity_is_no_compression(serve: Serve) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-encoding: identity\r\n"
    async with serve(echo) as running:
        assert (await running.exchange(head + b"content-length: 3\r\n\r\nabc")).startswith(b"HTTP/1.1 200")


async def test_a_connection_keeps_nothing_of_a_body_that_was_answered(serve: Serve) -> None:
    seen: list[object] = []

    async def take(_scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async with serve(take) as running:
        reader, writer = await running.connect()
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        await running.until(lambda: not running.server.server_state.tasks)
        assert gc.get_referrers(seen[0]) == [seen]
        writer.close()


async def test_a_body_that_is_left_without_an_end_is_cut(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})

    async with serve(half) as running:
        answer = await running.exchange(GET)
    assert not answer.endswith(b"0\r\n\r\n")
    assert "broke off" in caplog.text


async def test_a_stream_is_chunked_and_every_piece_leaves_at_once(serve: Serve) -> None:
    go_on = asyncio.Event()

    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"two", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with serve(stream) as running:
        reader, writer = await running.connect()
        writer.write(GET)
        assert b"transfer-encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(8) == b"3\r\none\r\n"
        go_on.set()
        assert await reader.readexactly(13) == b"3\r\ntwo\r\n0\r\n\r\n"
        writer.close()


async def test_too_many_connections_are_told_so(serve: Serve) -> None:
    async with serve(echo, Limits(connections=1, linger_seconds=0.1)) as running:
        _, first = await running.connect()
        await running.until(lambda: running.open_connections == 1)
        assert error_of(await running.exchange(GET)) == (503, "unavailable")
        first.close()


async def test_an_application_that_fails_gets_a_500_without_details(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        message = "a secret detail"
        raise ValueError(message)

    async with serve(fail) as running:
        with caplog.at_level(logging.CRITICAL, logger="forebay.server"):
            answer = await running.exchange(GET)
    assert error_of(answer) == (500, "internal_error")
    assert b"secret" not in answer


async def test_an_application_that_fails_in_the_middle_cuts_the_stream(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        message = "too late"
        raise ValueError(message)

    async with serve(fail) as running:
        with caplog.at_level(logging.CRITICAL, logger="forebay.server"):
            reader, writer = await running.connect()
            writer.write(GET)
            received = b""
            with contextlib.suppress(ConnectionError):
                received = await reader.read(-1)
            assert not received.endswith(b"0\r\n\r\n")
            writer.close()


FRAGMENTS = st.sampled_from(
    [
        GET,
        LAST,
        post(b"{}"),
        b"GET ",
        b"\r\n",
        b"HTTP/1.1",
        b"content-length: 9\r\n",
        b"\x00",
        b"\xff\xfe",
        b"0\r\n\r\n",
    ]
)


def test_arbitrary_bytes_never_harm_the_server(serve: Serve) -> None:
    limits = Limits(linger_seconds=0.05)
    with asyncio.Runner() as runner:
        server = serve(echo, limits)
        running = runner.run(server.__aenter__())

        @settings(max_examples=200, deadline=None)
        @given(pieces=st.lists(st.one_of(FRAGMENTS, st.binary(max_size=200)), max_size=8))
        def attack(pieces: list[bytes]) -> None:
            runner.run(_survives(running, pieces))

        attack()
        runner.run(running.until(lambda: running.open_connections == 0))
        runner.run(server.__aexit__(None, None, None))


async def _survives(running: Running, pieces: list[bytes]) -> None:
    reader, writer = await running.connect()
    answer = b""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(-1), 10)
    writer.close()
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert (await running.exchange(LAST)).endswith(b"GET /last 0\n")
