"""How sockets are opened: TLS, proxies, and names with several addresses."""

import asyncio
import contextlib
import itertools
import socket
import ssl
from collections.abc import Iterator

import pytest

from forebay.core.types import TimeOuts
from forebay.providers.transport import Client, ConnectError, ProxyError, TimedOutError
from forebay.providers.transport import dial as dial_module
from forebay.providers.transport.dial import default_context
from tests.providers.transport.conftest import Asking, sockets
from tests.support.proxy import tunnels
from tests.support.upstream import HOST, TLS, Asked, Peer, reply, upstream

OK = reply(b"ok")
AUTHORITY = TLS / "ca.pem"


async def post(client: Client, timeouts: TimeOuts = TimeOuts()) -> bytes:  # noqa: B008
    return await (await client.send(b"POST", b"/chat", b"{}", timeouts=timeouts)).read(1 << 20)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' own authority, as a user names it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    default_context.cache_clear()
    yield
    default_context.cache_clear()


# TLS


@pytest.mark.usefixtures("trusted")
async def test_an_authority_from_the_environment(asking: Asking) -> None:
    async with upstream(OK, tls=True) as up, asking(f"https://{up.address}/v1") as client:
        for _ in range(3):
            assert await post(client) == b"ok"
    assert up.accepted == 1


async def test_an_unknown_authority_is_refused(asking: Asking) -> None:
    async with upstream(OK, tls=True) as up, asking(f"https://{up.address}/v1") as client:
        with pytest.raises(ConnectError, match="certificate"):
            await post(client)
    assert not up.asked


@pytest.mark.usefixtures("trusted")
async def test_a_wrong_name_is_refused(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    async with upstream(OK, tls=True) as up:
        port = int(up.address.rpartition(":")[2])
        _leading_to(monkeypatch, (HOST, port))
        async with asking("https://other.test/v1") as client:
            with pytest.raises(ConnectError, match=r"other\.test"):
                await post(client)
        async with asking("https://upstream.test/v1") as client:
            assert await post(client) == b"ok"


async def test_plain_http_where_tls_is_expected(asking: Asking) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with asking(f"https://{HOST}:{port}/v1") as client:
        with pytest.raises(ConnectError):
            await post(client)
    server.close()


async def test_an_upstream_that_closes_at_once(asking: Asking) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.001 * (next(tries) % 3))
        writer.transport.abort()

    server = await asyncio.start_server(answer, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    tries = itertools.count()
    for _ in range(9):
        async with asking(f"https://{HOST}:{port}/v1") as client:
            with pytest.raises(ConnectError):
                await post(client)
    server.close()


def test_the_default_verifies() -> None:
    context = default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


# Proxies


async def test_plain_http_through_a_proxy(asking: Asking) -> None:
    async with upstream(OK) as proxy:
        environ = {"http_proxy": f"http://us%40er:p%3Ass@{proxy.address}/"}
        async with asking("http://upstream.test:8000/v1", environ=environ) as client:
            for _ in range(2):
                assert await post(client) == b"ok"
    asked = proxy.asked[0]
    assert asked.target == "http://upstream.test:8000/v1/chat"
    assert asked.headers["host"] == "upstream.test:8000"
    assert asked.headers["proxy-authorization"] == "Basic dXNAZXI6cDpzcw=="
    assert proxy.accepted == 1


@pytest.mark.usefixtures("trusted")
async def test_https_through_a_tunnel(asking: Asking) -> None:
    async with upstream(OK, tls=True) as up, tunnels(up.address) as proxy:
        environ = {"HTTPS_PROXY": f"http://user:pw@{proxy.address}"}
        async with asking("https://upstream.test/v1", environ=environ) as client:
            for _ in range(3):
                assert await post(client) == b"ok"
    (asked,) = proxy.asked
    assert (asked.method, asked.target) == ("CONNECT", "upstream.test:443")
    assert asked.headers == {"host": "upstream.test:443", "proxy-authorization": "Basic dXNlcjpwdw=="}
    assert "proxy-authorization" not in up.asked[0].headers
    assert up.asked[0].target == "/v1/chat"


async def test_the_upstream_is_verified_through_a_tunnel_too(asking: Asking) -> None:
    async with upstream(OK, tls=True) as up, tunnels(up.address) as proxy:
        environ = {"HTTPS_PROXY": f"http://{proxy.address}"}
        async with asking("https://upstream.test/v1", environ=environ) as client:
            with pytest.raises(ConnectError, match="certificate"):
                await post(client)


@pytest.mark.parametrize(
    "refusal",
    [
        reply(b"", b"proxy-authenticate: Basic", status=b"407 Proxy Authentication Required"),
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nsurplus",
        b"SSH-2.0\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_a_proxy_that_will_not(asking: Asking, refusal: bytes) -> None:
    async with tunnels("", refusal) as proxy:
        environ = {"HTTPS_PROXY": f"http://{proxy.address}"}
        async with asking("https://upstream.test/v1", environ=environ) as client:
            for _ in range(2):
                with pytest.raises(ProxyError):
                    await post(client)


async def test_a_proxy_that_closes_or_says_nothing(asking: Asking) -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        if len(proxy.asked) == 1:
            peer.writer.close()
        await peer.until_left()

    async with upstream(answer) as proxy:
        environ = {"HTTPS_PROXY": f"http://{proxy.address}"}
        async with asking("https://upstream.test/v1", environ=environ) as client:
            with pytest.raises(ProxyError):
                await post(client)
            with pytest.raises(TimedOutError, match="connect"):
                await post(client, TimeOuts(connect=0.1))
            await asyncio.wait_for(proxy.left.wait(), 5)


@pytest.mark.usefixtures("trusted")
async def test_a_proxy_that_is_spoken_to_in_tls(asking: Asking) -> None:
    async with upstream(OK, tls=True) as proxy:
        environ = {"all_proxy": f"https://localhost:{proxy.address.rpartition(':')[2]}"}
        async with asking("http://upstream.test/v1", environ=environ) as client:
            assert await post(client) == b"ok"
    assert proxy.asked[0].target == "http://upstream.test/v1/chat"


# Names with several addresses


def _leading_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    async def resolved(*_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]

    monkeypatch.setattr(dial_module, "_resolved", resolved)


async def test_the_next_address_is_tried_when_one_refuses(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    async with upstream(OK) as up:
        port = int(up.address.rpartition(":")[2])
        _leading_to(monkeypatch, ("127.0.0.2", 1), ("127.0.0.3", 1), (HOST, port))
        async with asking("http://many.test/v1") as client:
            assert await post(client) == b"ok"


async def test_the_next_address_is_tried_when_one_is_silent(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = dial_module._attempt
    left = []

    async def silent(loop: asyncio.AbstractEventLoop, address: dial_module.AddressInfo) -> socket.socket:
        if address[4][1] == 1:
            try:
                await asyncio.sleep(60)
            finally:
                left.append(address)
        return await attempt(loop, address)

    monkeypatch.setattr(dial_module, "_attempt", silent)
    async with upstream(OK) as up:
        port = int(up.address.rpartition(":")[2])
        _leading_to(monkeypatch, (HOST, 1), (HOST, port), (HOST, port))
        async with asking("http://many.test/v1") as client:
            assert await post(client) == b"ok"
        async with asyncio.timeout(5):
            while not left:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_two_addresses_that_answer_at_once_leave_one_socket(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = dial_module._attempt

    async def slow(loop: asyncio.AbstractEventLoop, address: dial_module.AddressInfo) -> socket.socket:
        await both.wait()
        return await attempt(loop, address)

    both = asyncio.Event()
    monkeypatch.setattr(dial_module, "_attempt", slow)
    async with upstream(OK) as up:
        port = int(up.address.rpartition(":")[2])
        _leading_to(monkeypatch, (HOST, port), (HOST, port))
        async with asking("http://many.test/v1") as client:
            task = asyncio.create_task(post(client))
            await asyncio.sleep(0.4)
            both.set()
            assert await task == b"ok"


async def test_no_address_answers(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    _leading_to(monkeypatch, (HOST, 1), ("127.0.0.2", 1))
    async with asking("http://many.test/v1") as client:
        with pytest.raises(ConnectError):
            await post(client)
    _leading_to(monkeypatch)
    async with asking("http://many.test/v1") as client:
        with pytest.raises(ConnectError, match="no address"):
            await post(client)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("tunnelled", [False, True])
async def test_a_caller_cancelled_at_any_moment_of_connecting_leaves_nothing(
    asking: Asking,
    monkeypatch: pytest.MonkeyPatch,
    tunnelled: bool,  # noqa: FBT001
) -> None:
    before = sockets()
    async with contextlib.AsyncExitStack() as stack:
        up = await stack.enter_async_context(upstream(OK, tls=True))
        proxy = await stack.enter_async_context(tunnels(up.address))
        environ = {"HTTPS_PROXY": f"http://{proxy.address}"} if tunnelled else {}
        _leading_to(monkeypatch, ("127.0.0.1", int((proxy if tunnelled else up).address.rpartition(":")[2])))
        for turns in range(0, 60, 2):
            async with asking("https://upstream.test/v1", environ=environ) as client:
                task = asyncio.create_task(post(client))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await asyncio.sleep(turns / 20_000)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert client._pool is None or client._pool._open == len(client._pool._idle)
    async with asyncio.timeout(5):
        while sockets() > before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
