"""A gateway replica: the workers' part of the configuration, behind Serve's HTTP proxies."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from forebay.app import application
from forebay.process import calm_collector, configure_logging
from forebay.rayserve.bridge import Bridge, Handle
from forebay.rayserve.ingress import Ingress
from forebay.rayserve.parts import Source, gateway_part
from forebay.server.exchange import Application
from forebay.server.limits import Limits
from forebay.server.run import Listen, Server, bind, configuration


class Gateway:
    """What Ray Serve makes replicas of; ``engines`` is how they are asked, if there are any."""

    async def __init__(self, source: Source, engines: Handle | None = None) -> None:  # type: ignore[misc]  # Serve awaits it
        self._folder = tempfile.TemporaryDirectory(prefix="forebay-")
        socket = Path(self._folder.name) / "engine.sock"
        self._settings = await asyncio.to_thread(gateway_part, source, socket)
        configure_logging(self._settings.log)
        self._crossing = None if engines is None else await _crossing(Bridge(engines), socket)

    def __serve_build_asgi_app__(self) -> Application:
        """What Serve asks in this replica."""
        built = application(self._settings)
        calm_collector()
        return Ingress(built, self._settings.server.body_limit)

    def check_health(self) -> None:
        """Say so where engines can no longer be asked.

        Raises:
            RuntimeError: the way to them is closed.
        """
        if self._crossing is not None and self._crossing.done():
            raise RuntimeError("the socket to the engines is closed")

    async def __del__(self) -> None:  # Serve awaits it, too
        """Stop, when Serve has waited for the last request."""
        if self._crossing is not None:
            self._crossing.cancel()
            await asyncio.wait([self._crossing])
        self._folder.cleanup()


class _Server(Server):
    """Signals are for the replica, which is Ray's: it listens to none of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _crossing(bridge: Bridge, socket: Path) -> asyncio.Task[None]:
    """The server of ``bridge``, which listens at ``socket`` by now."""
    listen = Listen(unix_socket=str(socket))
    ready = asyncio.Event()
    server = _Server(configuration(lambda: bridge, listen, Limits(keep_alive_seconds=3600.0)), lambda _: ready.set())
    task = asyncio.create_task(server.serve([bind(listen)]), name="bridge")
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return task
