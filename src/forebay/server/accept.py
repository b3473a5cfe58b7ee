"""Accepts connections as fast as they come.

uvloop accepts one connection in each turn of its loop, so that of a thousand clients that connect at once the last one
waits for a thousand turns: seconds, on a busy server. This accepts as many as there are, up to `BATCH`, in each turn.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

logger = logging.getLogger("forebay.server")

BATCH = 256
# No file descriptors are left, most likely: some connection has to end before another can begin.
PAUSE_SECONDS = 0.5
# Who connects and then says nothing of TLS is not among the connections that are counted and watched.
HANDSHAKE_SECONDS = 10.0
HANDSHAKES = 1000


class Acceptor:
    """A listening socket on an event loop; it looks like an ``asyncio.Server`` to uvicorn."""

    def __init__(
        self, listening: socket.socket, make_protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None
    ) -> None:
        self.sockets = (listening,)
        self._listening = listening
        self._make_protocol = make_protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self, backlog: int) -> None:
        """Listen."""
        self._listening.settimeout(0)
        self._listening.listen(backlog)
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def close(self) -> None:
        """Stop listening; connections live on."""
        if self._closed:
            return
        self._closed = True
        if self._pause is None:
            self._loop.remove_reader(self._listening.fileno())
        else:
            self._pause.cancel()
        self._listening.close()

    async def wait_closed(self) -> None:
        """Wait for connections that are just being opened."""
        if self._opening:
            await asyncio.wait(self._opening)

    def _accept(self) -> None:
        for _ in range(BATCH):
            try:
                accepted, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            if self._tls is not None and len(self._opening) >= HANDSHAKES:
                accepted.close()
                continue
            accepted.settimeout(0)
            task: asyncio.Task[object] = self._loop.create_task(self._open(accepted))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, accepted: socket.socket) -> None:
        patience = HANDSHAKE_SECONDS if self._tls else None
        try:
            await self._loop.connect_accepted_socket(
                self._make_protocol, accepted, ssl=self._tls, ssl_handshake_timeout=patience
            )
        except OSError as error:  # the client has gone, or what it speaks is no TLS
            logger.debug("a connection could not be opened: %s", error)

    def _rest(self, error: OSError) -> None:
        logger.error("cannot accept connections for now: %s", error)
        self._loop.remove_reader(self._listening.fileno())
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening.fileno(), self._accept)
