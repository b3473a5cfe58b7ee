"""A base URL and what is sent with every request to it."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from forebay import __version__
from forebay.core.types import TimeOuts
from forebay.providers.transport.connection import Connection, Limits
from forebay.providers.transport.dial import default_context, dial
from forebay.providers.transport.errors import UnansweredError, UnsendableError
from forebay.providers.transport.head import fields, request_line
from forebay.providers.transport.pool import Pool
from forebay.providers.transport.proxy import Proxy, proxy_for
from forebay.providers.transport.response import Response
from forebay.providers.transport.url import BaseUrl

MAX_RENDERED_HEADS = 256
USER_AGENT = f"forebay/{__version__}"
OWN = b"accept-encoding: identity\r\ncontent-length: "
NOTHING: Mapping[str, str] = MappingProxyType({})


class Client:
    """Sends requests below one base URL; how one is written says `url`.

    ``headers`` go with every request. ``environ`` is where a proxy is looked up, most often ``os.environ``; ``context``
    replaces the default for TLS. The client belongs to the event loop of its first request.

    Raises:
        UnsendableError: the URL, a header or the proxy's URL is malformed.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] = NOTHING,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        environ: Mapping[str, str] = NOTHING,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._url = BaseUrl.of(base_url)
        self._limits = limits
        self._proxy = proxy_for(self._url, environ)
        self._context = context
        self._every = _every(self._url, self._proxy, headers)
        self._names = frozenset(name for name, _ in self._every)
        self._static = fields(self._every) + OWN
        self._heads: dict[tuple[bytes, bytes], bytes] = {}
        self._pool: Pool | None = None

    async def send(
        self,
        method: bytes,
        path: bytes,
        body: bytes = b"",
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
        timeouts: TimeOuts = TimeOuts(),  # noqa: B008  # frozen
    ) -> Response:
        """Send a request and wait for the head of its reply; ``path`` is relative to the base URL.

        Of ``headers`` those that go with every request, too, replace them, and one that is empty leaves it out.

        A request that finds its idle connection closed by the upstream is sent once more, on a fresh one: no byte of
        a reply has come, so it was not begun. Cancelling the caller closes the connection at once.

        Raises:
            TransportError: there is no reply.
        """
        if headers and not self._names.isdisjoint([name.lower() for name, _ in headers]):
            head = self._replaced(method, path, headers) + b"%d\r\n\r\n" % len(body)
        else:
            head = self._heads.get((method, path)) or self._rendered(method, path)
            head += b"%d\r\n%b\r\n" % (len(body), fields(headers)) if headers else b"%d\r\n\r\n" % len(body)
        pool = self._pool or self._bind()
        loop = pool.loop
        now = loop.time()
        total_at = now + timeouts.total
        connection = pool.take()
        if connection is None:
            connection = await pool.acquire(timeouts)
            now = loop.time()
        may_repeat = connection.served
        while True:
            response = Response(connection, loop, timeouts, total_at, head_only=method == b"HEAD")
            connection.begin(head, body, response, now)
            response.waiter = loop.create_future()
            try:
                await response.waiter  # the head, or a failure
            except BaseException:
                response.close()
                raise
            if response.status:
                return response
            if response.error is not None and not (may_repeat and isinstance(response.error, UnansweredError)):
                raise response.failure()
            may_repeat = False
            connection = await pool.acquire(timeouts, fresh=True)
            now = loop.time()

    async def aclose(self) -> None:
        """Close all connections at once, whatever they are doing."""
        if self._pool is not None:
            await self._pool.aclose()

    def _bind(self) -> Pool:
        self._pool = Pool(self._dial, self._limits)
        return self._pool

    async def _dial(self, loop: asyncio.AbstractEventLoop, factory: Callable[[], Connection]) -> Connection:
        if self._url.tls and self._context is None:
            self._context = await asyncio.to_thread(default_context)  # it reads files
        return await dial(loop, self._url, self._proxy, self._context if self._url.tls else None, factory)

    def _rendered(self, method: bytes, path: bytes) -> bytes:
        """All of a head that is the same for every request to ``path``; the number of bytes follows."""
        head = self._first_line(method, path) + self._static
        if len(self._heads) < MAX_RENDERED_HEADS:
            self._heads[method, path] = head
        return head

    def _replaced(self, method: bytes, path: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The same with ``headers`` in place of those of their names; it is not kept, because it is seldom the same."""
        names = {name.lower() for name, _ in headers}
        kept = [each for each in self._every if each[0] not in names]
        return self._first_line(method, path) + fields([*kept, *(each for each in headers if each[1])]) + OWN

    def _first_line(self, method: bytes, path: bytes) -> bytes:
        target = (self._url.target(path.decode("latin-1")) or "/").encode("latin-1")
        if self._proxy is not None and not self._url.tls:
            target = b"http://" + self._url.host_header.encode() + target
        return request_line(method, target)


def _every(url: BaseUrl, proxy: Proxy | None, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The header fields of every request, by lower-case names; those given replace the defaults."""
    every = {"host": url.host_header, "user-agent": USER_AGENT}
    every |= {name.lower(): value for name, value in headers.items()}
    if proxy is not None and proxy.authorization and not url.tls:
        every["proxy-authorization"] = proxy.authorization
    try:
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in every.items()]
    except UnicodeEncodeError:
        raise UnsendableError("a header holds characters that HTTP does not allow") from None
