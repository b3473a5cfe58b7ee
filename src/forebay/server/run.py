"""Runs an application: uvicorn owns sockets, signals, TLS and workers, our protocol owns the connections."""

import asyncio
import contextlib
import functools
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

import msgspec
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from forebay.process import Terminal
from forebay.server.accept import Acceptor
from forebay.server.exchange import Application
from forebay.server.limits import Limits
from forebay.server.protocol import HTTPProtocol
from forebay.server.tls import Certificate, serving_context

Build = Callable[[], Application]
Announce = Callable[[str], None]
Again = Callable[[], Build | None]
"""Asked when the main process of several is told to read its configuration again: how workers are built from now on."""

# A browser takes no answer for anything but what it says it is, whatever its bytes look like.
NO_SNIFFING = ("x-content-type-options", "nosniff")
# For a year a browser asks this host by TLS only (RFC 6797).
STRICT_TRANSPORT = ("strict-transport-security", "max-age=31536000")

# Many clients connect at once when a server comes back; those beyond the backlog would be turned away.
BACKLOG = 4096


class Listen(msgspec.Struct, frozen=True):
    """Where and with how many processes to listen; ``unix_socket`` is a path that replaces host and port.

    With a ``certificate`` by TLS, and by nothing else.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    unix_socket: str | None = None
    shutdown_seconds: float = 30.0
    certificate: Certificate | None = None


def run(
    build: Build, listen: Listen, limits: Limits, announce: Announce | None = None, again: Again | None = None
) -> None:
    """Serve what ``build`` makes until a signal ends it; with several workers each process builds its own.

    ``announce`` is told the address once the server listens on it; ``again`` is for ``SIGHUP`` with several workers.

    Raises:
        AddressError: nobody can listen there.
        TlsError: the certificate cannot be used.
        SystemExit: the application did not start.
    """
    if listen.certificate is not None:
        listen.certificate.context()
    config = configuration(build, listen, limits)
    bound = bind(listen)
    if listen.workers > 1:
        bound.listen(BACKLOG)  # who comes before the workers do waits for them
        workers = Workers(config, bound, again)  # from here on it takes signals
        if announce is not None:
            announce(address(bound, listen.certificate))
        workers.run()
        return
    server = Server(config, announce)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C has stopped it; uvicorn raises it once more when all is done
        server.run([bound])
    if not (server.started or server.should_exit):
        sys.exit(STARTUP_FAILURE)


class Workers(Multiprocess):
    """uvicorn's workers, which change their configuration while they run instead of being replaced."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket, again: Again | None) -> None:
        super().__init__(config, sockets=[bound])
        self._again = again
        self._terminal = Terminal()

    def handle_hup(self) -> None:
        """Hand ``SIGHUP`` on, if there is something to serve by; workers that are started later serve by it too."""
        if self._terminal.closed():
            self.handle_term()
            return
        if self._again is None:
            super().handle_hup()
            return
        build = self._again()
        if build is None:
            return
        self.config.app = build
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, signal.SIGHUP)


class AddressError(OSError):
    """Nobody can listen on an address; the message says why and names the remedy."""


def bind(listen: Listen) -> socket.socket:
    """A socket bound to where ``listen`` says, not yet listening; worker processes inherit it.

    Raises:
        AddressError: the address is taken, forbidden, or none of this machine's.
    """
    path = listen.unix_socket
    family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    bound = socket.socket(family)
    try:
        if path is None:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(path or (listen.host, listen.port))
    except OSError as error:
        bound.close()
        where = path or f"{listen.host}:{listen.port}"
        why = (error.strerror or str(error)).lower()
        raise AddressError(f"cannot listen on {where}: {why}. Choose another address with --host and --port.") from None
    bound.set_inheritable(True)  # socket's signature
    return bound


class Configuration(uvicorn.Config):
    """uvicorn's, with TLS by a ``certificate`` that each process reads for itself, again and again."""

    def __init__(self, certificate: Certificate | None, *arguments: Any, **more: Any) -> None:  # noqa: ANN401  # uvicorn's
        super().__init__(*arguments, **more)
        self.certificate = certificate

    def load(self) -> None:
        """Make what the configuration names; once, in the process that serves."""
        super().load()
        if self.certificate is not None:
            self.ssl = serving_context(self.certificate)


def configuration(build: Build, listen: Listen, limits: Limits) -> Configuration:
    """What uvicorn needs to know."""
    certificate = listen.certificate
    return Configuration(
        certificate,
        build,
        factory=True,
        host=listen.host,
        port=listen.port,
        uds=listen.unix_socket,
        workers=listen.workers,
        http=functools.partial(HTTPProtocol, limits),  # called like the class it stands for
        ws="none",
        loop="auto",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=round(listen.shutdown_seconds),
        headers=[NO_SNIFFING, STRICT_TRANSPORT] if certificate else [NO_SNIFFING],
    )


class Server(uvicorn.Server):
    """uvicorn's server with an accept loop of its own; it tells when it listens, and where."""

    def __init__(self, config: Configuration, announce: Announce | None = None) -> None:
        super().__init__(config)
        self._certificate = config.certificate
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen on ``sockets``, then announce it."""
        sockets = sockets or [bind(Listen(self.config.host, self.config.port))]
        if sys.platform == "win32":  # its event loop cannot watch a listening socket
            await super().startup(sockets)
        else:
            await self._start_application()
            if self.should_exit:
                return
            self._listen(sockets)
        if self._announce is not None:
            self._announce(address(sockets[0], self._certificate))

    async def _start_application(self) -> None:
        """Start it, which may take minutes; a signal that comes before it has ends that."""
        starting = asyncio.create_task(self.lifespan.startup())
        while not (starting.done() or self.should_exit):
            await asyncio.wait([starting], timeout=0.1)
        if not starting.done():
            await self.lifespan.shutdown()
        await starting
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)

    def _listen(self, sockets: list[socket.socket]) -> None:
        make = functools.partial(
            cast("Callable[..., HTTPProtocol]", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        acceptors = [Acceptor(each, make, self.config.ssl) for each in sockets]
        for acceptor in acceptors:
            acceptor.start(self.config.backlog)
        self.servers = cast("list[asyncio.Server]", acceptors)
        self.started = True


def address(bound: socket.socket, certificate: Certificate | None = None) -> str:
    """The URL of a listening socket."""
    name = bound.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    scheme = "https" if certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
