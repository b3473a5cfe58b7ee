"""A wire between a browser and a server that can be cut, on the browser's side alone or on both."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from typing import Final

PIECE: Final = 65536


class Relay:
    """Passes on what both say; while it ``is_away`` nobody gets through, and the server is not told unless asked to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._browsers: set[socket.socket] = set()
        self._servers: set[socket.socket] = set()
        self._is_away = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, *, told: bool) -> None:
        """Let the browser hear nothing more; is the server ``told``, too, it knows that nobody listens."""
        self._is_away = True
        for each in [*self._browsers, *(self._servers if told else ())]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let new connections through."""
        self._is_away = False

    def close(self) -> None:
        """Nobody is connected any more."""
        self._listener.close()
        self.cut(told=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                if self._is_away:
                    browser.close()
                else:
                    threading.Thread(target=self._pass, args=(browser,), daemon=True).start()

    def _pass(self, browser: socket.socket) -> None:
        with (
            browser,
            socket.create_connection(("127.0.0.1", self._port)) as server,
            selectors.DefaultSelector() as both,
        ):
            self._browsers.add(browser)
            self._servers.add(server)
            both.register(browser, selectors.EVENT_READ, server)
            both.register(server, selectors.EVENT_READ, browser)
            with contextlib.suppress(OSError):
                while all(self._piece(both, key.fileobj, key.data) for key, _ in both.select()):
                    pass
            self._browsers.discard(browser)
            self._servers.discard(server)

    def _piece(self, both: selectors.BaseSelector, source: object, target: socket.socket) -> bool:
        """Whether there may be more to pass on."""
        assert isinstance(source, socket.socket)
        piece = source.recv(PIECE)
        if source in self._browsers and not piece:
            both.unregister(source)  # the server may go on, as one does behind a network that is gone
            return True
        with contextlib.suppress(OSError):
            target.sendall(piece)
        return bool(piece)


@contextlib.contextmanager
def relaying(url: str) -> Iterator[Relay]:
    """A `Relay` before the server at ``url``."""
    relay = Relay(int(url.rpartition(":")[2]))
    try:
        yield relay
    finally:
        relay.close()
