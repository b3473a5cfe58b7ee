"""Whatever bytes an upstream sends, in whatever pieces: a reply, or an error of the transport's tree, and never a hang.

The first half feeds the protocol itself, which allows thousands of cases; the second does the same over real sockets.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.types import TimeOuts
from forebay.providers.transport import Client, Limits, TransportError
from forebay.providers.transport.connection import NEVER, Connection
from forebay.providers.transport.response import Response
from tests.providers.transport.conftest import Asking
from tests.support.upstream import Asked, Peer, chunked, reply, upstream

LIMITS = Limits(head_bytes=2048, buffer_bytes=4096)
MESSAGE = b"HTTP/1.1 200 OK\r\n"


class Loop:
    """As much of an event loop as a connection needs."""

    def __init__(self) -> None:
        self.ready: list[Callable[[], None]] = []

    def time(self) -> float:
        return 0.0

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.ready.append(callback)

    def turn(self) -> None:
        while self.ready:
            self.ready.pop(0)()


class Pipe(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.reading = True
        self.written = 0

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += len(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        assert not self.closed
        self.reading = True


class Owner:
    """A pool that only takes notes."""

    limits = LIMITS
    watched_until = NEVER

    def __init__(self) -> None:
        self.loop: Any = Loop()
        self.free = 0
        self.ended = 0
        self.closed = 0

    def watch(self, deadline: float) -> None:
        assert deadline < NEVER

    def released(self, _connection: Connection) -> None:
        self.free += 1

    def gone(self, _connection: Connection) -> None:
        self.ended += 1

    def lost(self, _connection: Connection) -> None:
        self.closed += 1


class Result:
    """What became of a request: its status and body, or the name of an error; and whether the connection can go on."""

    def __init__(self, pieces: Iterable[bytes], *, head_only: bool = False) -> None:
        owner = Owner()
        pipe = Pipe()
        connection = Connection(owner)
        connection.connection_made(pipe)
        self.response = response = Response(connection, owner.loop, TimeOuts(), 900.0, head_only=head_only)
        connection.begin(b"GET / HTTP/1.1\r\n\r\n", b"", response, 0.0)
        owner.loop.turn()
        assert pipe.written
        self.body = b""
        for piece in pieces:
            if pipe.closed:
                break
            connection.data_received(piece)
            self._read()
        self.released = owner.free == 1
        if not pipe.closed:
            connection.eof_received()
        connection.connection_lost(None)
        self._read()
        assert response.done or isinstance(response.error, TransportError)
        assert not (response.done and response.error)
        assert response.done is False or response.status
        assert (owner.ended, owner.closed) == (1, 1)
        assert connection.closed
        assert connection.response is None

    def _read(self) -> None:
        if self.response.parts:
            self.body += self.response._take()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self.told == other.told

    __hash__ = None  # type: ignore[assignment]

    @property
    def told(self) -> tuple[object, ...]:
        response = self.response
        if not response.done:
            return (type(response.error), self.body if response.status else b"")
        return (response.status, tuple(response.headers.items()), self.body, self.released)


def split(data: bytes, positions: Iterable[int]) -> list[bytes]:
    cuts = [0, *sorted({position % (len(data) + 1) for position in positions}), len(data)]
    return [piece for start, end in itertools.pairwise(cuts) if (piece := data[start:end])]


WHOLE = [
    reply(b"hello"),
    reply(b""),
    reply(b"hello", b"Connection: close", b"X-A: 1", b"x-b:\t2 "),
    reply("\u20ac\U0001f600".encode()),
    chunked(b"one", b"two", b"\r\n\r\n", b"x" * 300),
    chunked(),
    MESSAGE + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\none\r\n0\r\nX-T: 1\r\n\r\n",
    MESSAGE + b"x: y\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + reply(b"ok"),
    b"\r\n" + reply(b"ok"),
    b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok",
]

SURPLUS = [reply(b"ok") + b"H", reply(b"ok") + reply(b"ok"), chunked(b"ok") + b"\0"]


@pytest.mark.parametrize("data", WHOLE)
def test_every_split_of_a_reply_means_the_same(data: bytes) -> None:
    whole = Result([data])
    assert whole.response.done
    assert Result(data[i : i + 1] for i in range(len(data))) == whole
    for first in range(1, len(data)):
        assert Result([data[:first], data[first:]]) == whole


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 500), max_size=8))
def test_any_split_of_a_reply_means_the_same(data: bytes, positions: list[int]) -> None:
    assert Result(split(data, positions)) == Result([data])


@pytest.mark.parametrize("data", WHOLE)
def test_every_beginning_of_a_reply_is_a_cut_or_whole(data: bytes) -> None:
    for length in range(len(data)):
        Result([data[:length]])


@pytest.mark.parametrize("data", SURPLUS)
def test_what_follows_a_reply_never_reaches_the_next_request(data: bytes) -> None:
    for first in range(1, len(data) + 1):
        result = Result([data[:first], data[first:]] if first < len(data) else [data])
        assert result.response.done
        assert result.body == b"ok"


@given(st.lists(st.binary(max_size=80), max_size=12), st.booleans())
def test_any_bytes(pieces: Sequence[bytes], head_only: bool) -> None:  # noqa: FBT001
    Result(filter(None, pieces), head_only=head_only)


FRAGMENTS = st.sampled_from(
    [
        MESSAGE,
        b"HTTP/1.1 100 Continue\r\n",
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 101 X\r\n",
        b"content-length: 5\r\n",
        b"content-length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"transfer-encoding: gzip\r\n",
        b"CONTENT-ENCODING: br\r\n",
        b"connection: close\r\n",
        b"Connection: upgrade\r\nupgrade: h2c\r\n",
        b" folded\r\n",
        b"\r\n",
        b"\n",
        b"5\r\n",
        b"5;ext\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\n",
        b"0\r\n\r\n",
        b"hello",
        b"\0",
        b"x" * 3000,
    ]
)


@given(
    st.lists(FRAGMENTS | st.binary(max_size=5), max_size=20), st.lists(st.integers(0, 9000), max_size=6), st.booleans()
)
@settings(max_examples=500)
def test_any_shuffle_of_what_replies_are_made_of(
    fragments: Sequence[bytes],
    positions: Sequence[int],
    head_only: bool,  # noqa: FBT001
) -> None:
    data = b"".join(fragments)
    Result(split(data, positions), head_only=head_only)


@given(
    st.sampled_from(WHOLE),
    st.integers(0, 500),
    st.binary(min_size=1, max_size=3),
    st.lists(st.integers(0, 500), max_size=4),
)
@settings(max_examples=500)
def test_a_reply_with_a_flaw(data: bytes, position: int, flaw: bytes, positions: Sequence[int]) -> None:
    position %= len(data)
    Result(split(data[:position] + flaw + data[position + len(flaw) - 1 :], positions))


# Over real sockets


async def _conclude(client: Client) -> None:
    """Whole, or an error that the transport knows, within the time that was given."""
    try:
        response = await client.send(b"POST", b"/chat", b"{}", timeouts=TimeOuts(first_token=0.3, between_tokens=0.3))
        while await response.chunk():
            pass
    except TransportError:
        pass


@given(
    st.lists(st.lists(FRAGMENTS | st.binary(max_size=40), min_size=1, max_size=6), min_size=1, max_size=10),
    st.booleans(),
)
@settings(max_examples=25)
def test_any_bytes_over_sockets(scripts: list[list[bytes]], closes: bool) -> None:  # noqa: FBT001
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(*scripts[next(turns) % len(scripts)])
        if closes:
            peer.writer.close()

    async def run() -> None:
        async with upstream(answer) as up:
            client = Client(up.url, limits=Limits(connections=4))
            async with asyncio.timeout(20):
                await asyncio.gather(*(_conclude(client) for _ in range(12)))
            await client.aclose()

    turns = itertools.count()
    asyncio.run(run())


@pytest.mark.slow
async def test_a_mixed_crowd_always_comes_to_an_end(asking: Asking) -> None:
    """Replies in every state, callers that leave, one small pool: all end, and nothing is mixed up."""

    async def answer(asked: Asked, peer: Peer) -> None:
        number = len(up.asked)
        good = chunked(*[asked.body] * (number % 5 + 1))
        match number % 8:
            case 0:
                await peer.send(good[: number % len(good)])
                peer.reset()
            case 1:
                await peer.send(good + good[: number % 40])
            case 2:
                await asyncio.sleep(0.02)
                await peer.send(good)
            case _:
                await peer.send(*(good[i : i + 7] for i in range(0, len(good), 7)))

    async def ask(client: Client, number: int) -> None:
        body = b"<%d>" % number
        try:
            response = await client.send(b"POST", b"/chat", body, timeouts=TimeOuts(connect=30))
            got = await response.read(1 << 20)
        except TransportError:
            return
        assert got == body * (len(got) // len(body)) != b""

    async with upstream(answer) as up, asking(up, limits=Limits(connections=16)) as client:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(ask(client, number)) for number in range(600)]
        for task in tasks[::9]:
            loop.call_later(hash(id(task)) % 1000 / 1000, task.cancel)
        async with asyncio.timeout(60):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} <= {type(None), asyncio.CancelledError}
        assert client._pool is not None
        assert client._pool._open <= 16
