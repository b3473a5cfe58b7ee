"""Runs an application: uvicorn owns sockets, signals, TLS and workers, our protocol owns the connections."""

import functools
import gc
import socket
import sys
from collections.abc import Callable

import msgspec
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from forebay.server.exchange import Application
from forebay.server.limits import Limits
from forebay.server.protocol import HTTPProtocol

Build = Callable[[], Application]
Announce = Callable[[str], None]

# Many clients connect at once when a server comes back; those beyond the backlog would be turned away.
BACKLOG = 4096


class Listen(msgspec.Struct, frozen=True):
    """Where and with how many processes to listen; ``unix_socket`` is a path that replaces host and port."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    unix_socket: str | None = None
    shutdown_seconds: float = 30.0


def run(build: Build, listen: Listen, limits: Limits, announce: Announce | None = None) -> None:
    """Serve what ``build`` makes until a signal ends it; with several workers each process builds its own.

    ``announce`` is told the address once the server listens on it.

    Raises:
        SystemExit: the address is taken, or the application did not start.
    """
    config = configuration(build, listen, limits)
    if listen.workers > 1:
        bound = config.bind_socket()
        if announce is not None:
            announce(address(bound))
        Multiprocess(config, sockets=[bound]).run()
        return
    server = Server(config, announce)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def configuration(build: Build, listen: Listen, limits: Limits) -> uvicorn.Config:
    """What uvicorn needs to know."""
    return uvicorn.Config(
        build,
        factory=True,
        host=listen.host,
        port=listen.port,
        uds=listen.unix_socket,
        workers=listen.workers,
        http=functools.partial(HTTPProtocol, limits),  # type: ignore[arg-type]  # called like the class it stands for
        ws="none",
        loop="auto",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=round(listen.shutdown_seconds),
    )


class Server(uvicorn.Server):
    """Tells when it listens, and where."""

    def __init__(self, config: uvicorn.Config, announce: Announce | None = None) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then announce it."""
        await super().startup(sockets)
        _calm_collector()
        if self.started and self._announce is not None:
            self._announce(address(self.servers[0].sockets[0]))


def _calm_collector() -> None:
    """Do not look for garbage among what lives as long as the server, and less often among the rest.

    A request leaves next to none that counting references does not free; looking for it took a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def address(bound: socket.socket) -> str:
    """The URL of a listening socket."""
    name = bound.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
