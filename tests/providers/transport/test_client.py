"""What is sent, and what is made of every kind of reply."""

import asyncio
import ssl
from pathlib import Path

import pytest

from forebay.core.types import TimeOuts
from forebay.providers.transport import (
    Client,
    ClosedError,
    ConnectError,
    CutError,
    Limits,
    ProtocolError,
    TooLargeError,
    TransportError,
    UnansweredError,
    UnsendableError,
)
from tests.providers.transport.conftest import Asking
from tests.support.upstream import HOST, TLS, Asked, Peer, chunk, chunked, reply, upstream

LIMIT = 1 << 20
MIB = 1 << 20


async def post(client: Client, body: bytes = b"{}", limit: int = LIMIT) -> bytes:
    return await (await client.send(b"POST", b"/chat", body)).read(limit)


async def until_left(_asked: Asked, peer: Peer) -> None:
    await peer.until_left()


# What is sent


async def test_a_request_as_it_arrives(asking: Asking) -> None:
    headers = {"Authorization": "Bearer sk-1", "X-Empty": ""}
    async with upstream(reply(b"")) as up, asking(up, headers=headers) as client:
        response = await client.send(b"POST", b"/chat/completions", b'{"a": 1}', headers=[(b"x-request-id", b"r1")])
        assert await response.read(0) == b""
    (asked,) = up.asked
    assert (asked.method, asked.target, asked.version) == ("POST", "/v1/chat/completions", "HTTP/1.1")
    assert asked.body == b'{"a": 1}'
    assert asked.headers == {
        "host": up.address,
        "user-agent": asked.headers["user-agent"],
        "authorization": "Bearer sk-1",
        "x-empty": "",
        "accept-encoding": "identity",
        "content-length": "8",
        "x-request-id": "r1",
    }


async def test_headers_of_a_request_replace_those_of_every_request(asking: Asking) -> None:
    headers = {"Content-Type": "application/json", "Accept": "a/b", "X-Kept": "k"}
    own = [(b"content-type", b"text/plain"), (b"Accept", b""), (b"x-own", b"o")]
    async with upstream(reply(b"")) as up, asking(up, headers=headers) as client:
        await client.send(b"POST", b"/chat", b"{}", headers=own)
        await client.send(b"POST", b"/chat", b"{}")
    first, second = (asked.head.lower() for asked in up.asked)
    assert first.count(b"content-type") == first.count(b"text/plain") == first.count(b"x-own: o") == 1
    assert first.count(b"content-length: 2") == first.count(b"accept-encoding: identity") == 1
    assert b"accept:" not in first
    assert b"x-kept: k" in first
    assert second.count(b"content-type: application/json") == second.count(b"accept: a/b") == 1
    assert b"x-own" not in second


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 5 * MIB])
async def test_bodies_of_any_size(asking: Asking, size: int) -> None:
    async def echo(asked: Asked, peer: Peer) -> None:
        await peer.send(reply(asked.body))

    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with upstream(echo) as up, asking(up) as client:
        assert await post(client, body, size) == body


async def test_a_query_of_the_base_url_goes_with_every_request(asking: Asking) -> None:
    async with upstream(reply(b"")) as up, asking(f"http://{up.address}/openai/?api-version=1&x=y") as client:
        await post(client)
    assert up.asked[0].target == "/openai/chat?api-version=1&x=y"


async def test_a_unix_socket(asking: Asking, tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    async with upstream(reply(b"ok"), path=path) as up, asking(f"unix:{path}:/v1") as client:
        assert await post(client) == b"ok"
        assert await post(client) == b"ok"
    assert up.asked[0].target == "/v1/chat"
    assert up.asked[0].headers["host"] == "localhost"
    assert up.accepted == 1


@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"a\r\nInjected: yes"),
        (b"x", b"a\nb"),
        (b"x", b"a\0"),
        (b"x\r\n", b"a"),
        (b"x y", b"a"),
        (b"", b"a"),
        (b"Content-Length", b"0"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"close"),
    ],
)
async def test_headers_that_would_break_the_framing_are_refused(asking: Asking, header: tuple[bytes, bytes]) -> None:
    async with upstream(reply(b"ok")) as up, asking(up) as client:
        with pytest.raises(UnsendableError):
            await client.send(b"POST", b"/chat", headers=[header])
        with pytest.raises(UnsendableError):
            Client(up.url, headers={header[0].decode(): header[1].decode()})
        assert await post(client) == b"ok"
    assert len(up.asked) == 1


@pytest.mark.parametrize("path", [b"/a b", b"/a\r\nX: y", b"/\xff", b"no-slash?\n", b"/a\0"])
async def test_paths_that_would_break_the_request_line_are_refused(asking: Asking, path: bytes) -> None:
    async with upstream(reply(b"ok")) as up, asking(up) as client:
        with pytest.raises(UnsendableError):
            await client.send(b"POST", path)
        with pytest.raises(UnsendableError):
            await client.send(b"POST / HTTP/1.1\r\n", b"/chat")
    assert not up.asked


async def test_a_header_that_is_not_latin_1_is_refused() -> None:
    with pytest.raises(UnsendableError):
        Client("http://localhost/v1", headers={"x": "\u20ac"})


# What comes back


async def test_status_and_headers(asking: Asking) -> None:
    answer = reply(b"no", b"X-Request-ID:  r1 ", b"x-a: 1", status=b"429 Slow Down")
    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat")
        assert response.status == 429
        assert response.header(b"x-request-id") == b"r1"
        assert response.header(b"retry-after") is None
        assert await response.read(2) == b"no"


async def test_chunks_arrive_as_they_come(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"one", end=False))
        for piece in (b"two", b"three", b""):
            await go.wait()
            go.clear()
            await peer.send(chunk(piece))

    go = asyncio.Event()
    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat")
        for expected in (b"one", b"two", b"three", b"", b""):
            assert await response.chunk() == expected
            go.set()


async def test_a_body_that_ends_with_the_connection(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nto the ", b"end", pause=0.02)
        peer.writer.close()

    async with upstream(answer) as up, asking(up) as client:
        assert await post(client) == b"to the end"
        assert await post(client) == b"to the end"
    assert up.accepted == 2


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 3,
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
    ],
)
@pytest.mark.parametrize("pause", [0.0, 0.01])
async def test_interim_replies_are_skipped(asking: Asking, interim: bytes, pause: float) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(interim, reply(b"ok", b"x-a: 1"), pause=pause)

    async with upstream(answer) as up, asking(up) as client:
        for _ in range(2):
            response = await client.send(b"POST", b"/chat")
            assert (response.status, response.header(b"link"), response.header(b"x-a")) == (200, None, b"1")
            assert await response.read(9) == b"ok"
    assert up.accepted == 1


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_replies_without_a_body(asking: Asking, status: bytes) -> None:
    async with upstream(b"HTTP/1.1 " + status + b"\r\n\r\n") as up, asking(up) as client:
        for _ in range(2):
            response = await client.send(b"POST", b"/chat")
            assert response.status == int(status[:3])
            assert await response.read(0) == b""
            assert await response.chunk() == b""
    assert up.accepted == 1


@pytest.mark.parametrize("framing", [b"content-length: 5", b"transfer-encoding: chunked", b"content-length: 0"])
async def test_a_head_has_no_body_whatever_it_says(asking: Asking, framing: bytes) -> None:
    async def answer(asked: Asked, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" if asked.method == "HEAD" else reply(b"ok"))

    async with upstream(answer) as up, asking(up) as client:
        for _ in range(2):
            response = await client.send(b"HEAD", b"/models")
            assert await response.read(0) == b""
            assert await post(client) == b"ok"


async def test_repeated_headers_trailers_and_extensions(asking: Asking) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2;ext=1\r\nok\r\n0\r\nX-Trailer: t\r\n\r\n"
    )
    async with upstream(answer) as up, asking(up) as client:
        for _ in range(2):
            response = await client.send(b"POST", b"/chat")
            assert await response.read(9) == b"ok"
            assert response.header(b"x-a") == b"1"
            assert response.header(b"x-trailer") is None
    assert up.accepted == 1


@pytest.mark.parametrize(
    "broken",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"<html>hello</html>",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Odd\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx y: z\r\n\r\n",
        b"HTTP/1.1 200 OK\nx: y\n\n",
        b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused(asking: Asking, broken: bytes) -> None:
    async with upstream(broken) as up, asking(up) as client:
        with pytest.raises(ProtocolError):
            await post(client)


async def test_a_chunk_without_a_size_breaks_the_body(asking: Asking) -> None:
    async with upstream(chunked(b"one", end=False) + b"zzz\r\n") as up, asking(up) as client:
        with pytest.raises(ProtocolError):
            await post(client)


async def test_identity_is_no_encoding(asking: Asking) -> None:
    async with upstream(reply(b"ok", b"Content-Encoding: Identity")) as up, asking(up) as client:
        assert await post(client) == b"ok"


# Ends before the end


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", UnansweredError),
        (b"H", CutError),
        (b"HTTP/1.1 200 OK\r\nx: y\r\n", CutError),
        (b"HTTP/1.1 100 Continue\r\n\r\n", CutError),
        (reply(b"half of it")[:-3], CutError),
        (chunked(b"half of it", end=False), CutError),
        (chunked(b"half of it", end=False) + b"0\r\n", CutError),
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut(asking: Asking, sent: bytes, error: type[TransportError], reset: bool) -> None:  # noqa: FBT001
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(sent, pause=0.02)
        peer.reset() if reset else peer.writer.close()

    async with upstream(answer) as up, asking(up) as client:
        with pytest.raises(error):
            await post(client)
        with pytest.raises(error):
            await post(client)


async def test_what_came_before_a_cut_can_still_be_read(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"half", end=False), pause=0.02)
        peer.reset()

    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat")
        await asyncio.sleep(0.1)
        assert await response.chunk() == b"half"
        with pytest.raises(CutError):
            await response.chunk()
        with pytest.raises(CutError):
            await response.chunk()


async def test_nobody_listens(asking: Asking, tmp_path: Path) -> None:
    async with upstream() as up:
        pass
    for url in (up.url, f"unix:{tmp_path / 'none.sock'}:/v1", f"unix:{tmp_path / ('x' * 200)}:/v1"):
        async with asking(url) as client:
            for _ in range(2):
                with pytest.raises(ConnectError):
                    await post(client)


async def test_a_name_that_does_not_exist(asking: Asking) -> None:
    async with asking("http://nowhere.invalid/v1") as client:
        with pytest.raises(ConnectError):
            await post(client)


# Bounds


@pytest.mark.parametrize("line", [b"x-a: " + b"a" * 200 + b"\r\n", b"a:\r\n", b"x" * 100_000])
@pytest.mark.parametrize("pause", [0.0, 0.001])
async def test_headers_without_end(asking: Asking, line: bytes, pause: float) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\n", line * 500, *[line * 50] * 200, pause=pause)

    limits = Limits(head_bytes=16 * 1024)
    async with upstream(answer) as up, asking(up, limits=limits) as client:
        with pytest.raises(TooLargeError):
            await post(client)


async def test_a_large_head_in_one_piece(asking: Asking) -> None:
    answer = reply(b"ok", b"x-a: " + b"a" * 50_000, b"x-b: " + b"b" * 50_000)
    async with upstream(answer) as up, asking(up) as client:
        with pytest.raises(TooLargeError):
            await post(client)


@pytest.mark.parametrize(
    "endless", [b"1;" + b"a" * 200_000, b"0\r\n" + b"x-trailer: aaaa\r\n" * 20_000, b"0\r\nx: " + b"a" * 200_000]
)
async def test_extensions_and_trailers_without_end(asking: Asking, endless: bytes) -> None:
    async with upstream(chunked(b"one", end=False) + endless) as up, asking(up) as client:
        with pytest.raises(TooLargeError):
            await post(client)


@pytest.mark.parametrize("answer", [reply(b"12345"), chunked(b"123", b"45")])
async def test_a_body_beyond_the_limit(asking: Asking, answer: bytes) -> None:
    async with upstream(answer) as up, asking(up) as client:
        assert await post(client, limit=5) == b"12345"
        with pytest.raises(TooLargeError):
            await post(client, limit=4)


async def test_an_endless_body_is_not_read_to_its_end(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(b"x" * 65536)

    async with upstream(answer) as up, asking(up) as client:
        with pytest.raises(TooLargeError):
            await post(client, limit=300_000)
        await asyncio.wait_for(up.left.wait(), 5)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_slow_reader_slows_the_upstream_down(
    asking: Asking,
    tls: bool,  # noqa: FBT001
) -> None:
    sent = 0

    async def answer(_asked: Asked, peer: Peer) -> None:
        nonlocal sent
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 * MIB))
        for _ in range(1024):
            await peer.send(b"x" * 65536)
            sent += 65536

    context = ssl.create_default_context(cafile=TLS / "ca.pem") if tls else None
    async with upstream(answer, tls=tls) as up:
        url = up.url.replace("http:", "https:") if tls else up.url
        async with asking(url, context=context) as client:
            response = await client.send(b"POST", b"/chat")
            await asyncio.sleep(0.5)
            stalled = sent
            assert stalled < 32 * MIB
            await asyncio.sleep(0.2)
            assert sent == stalled
            assert len(await response.chunk()) < 2 * MIB
            assert len(await response.read(64 * MIB)) > 60 * MIB


# Leaving


async def test_a_cancelled_caller_closes_the_connection_at_once(asking: Asking) -> None:
    async with upstream(until_left) as up, asking(up) as client:
        task = asyncio.create_task(post(client))
        while not up.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(up.left.wait(), 5)


async def test_cancelling_between_two_chunks_closes_the_connection(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"one", end=False))
        await peer.until_left()

    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat")
        assert await response.chunk() == b"one"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.chunk(), 0.05)
        await asyncio.wait_for(up.left.wait(), 5)
        with pytest.raises(ClosedError):
            await response.chunk()


async def test_an_early_close(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b"one", end=False))
        await peer.until_left()

    async with upstream(answer) as up, asking(up) as client:
        response = await client.send(b"POST", b"/chat")
        response.close()
        await response.aclose()
        await asyncio.wait_for(up.left.wait(), 5)


async def test_closing_a_whole_response_keeps_the_connection(asking: Asking) -> None:
    async with upstream(reply(b"ok")) as up, asking(up) as client:
        for _ in range(3):
            response = await client.send(b"POST", b"/chat")
            response.close()
            response.abandon()
            assert await response.read(9) == b"ok"
    assert up.accepted == 1


async def test_closing_the_client_ends_what_runs(asking: Asking) -> None:
    async with upstream(until_left) as up, asking(up) as client:
        tasks = [asyncio.create_task(post(client)) for _ in range(3)]
        while len(up.asked) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await client.aclose()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, ClosedError)
        with pytest.raises(ClosedError):
            await post(client)
        await client.aclose()


async def test_closing_a_client_that_was_never_used() -> None:
    await Client(f"http://{HOST}:1/v1").aclose()


async def test_an_early_reply_to_a_body_that_nobody_reads(asking: Asking) -> None:
    """The rest of the request is still on its way: the connection cannot take another one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(b"too much", status=b"413 Content Too Large"))
        await done.wait()
        writer.transport.abort()

    accepted: list[asyncio.StreamWriter] = []
    done = asyncio.Event()
    server = await asyncio.start_server(serve, HOST, 0, limit=1024)
    port = server.sockets[0].getsockname()[1]
    async with asking(f"http://{HOST}:{port}/v1") as client:
        for _ in range(2):
            response = await client.send(b"POST", b"/chat", b"x" * (64 * MIB), timeouts=TimeOuts(total=10))
            assert response.status == 413
            assert await response.read(99) == b"too much"
    done.set()
    server.close()
    assert len(accepted) == 2
