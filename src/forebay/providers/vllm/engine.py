"""What the supervisor must know of vLLM: how it is started, and whether it answers."""

import errno
import secrets
import socket

from forebay.plugins import PreparationError
from forebay.providers.child.process import Command
from forebay.providers.child.supervisor import StartError
from forebay.providers.vllm.command import command
from forebay.providers.vllm.endpoint import Endpoint
from forebay.providers.vllm.settings import VLLMSettings
from forebay.settings import Secret


class VLLMEngine:
    """``vllm serve`` with its own key and, unless the settings name one, its own port for every start."""

    def __init__(self, name: str, settings: VLLMSettings) -> None:
        self._name = name
        self._settings = settings
        self._port = 0
        self.endpoint: Endpoint | None = None

    async def command(self) -> Command:
        """How to start it the next time.

        Raises:
            StartError: vLLM is not installed.
            OSError: there is no free port.
        """
        await self.close()
        self._port = self._settings.port or _free_port(self._settings.host)
        key = secrets.token_urlsafe(32)
        try:
            found = command(self._settings, self._port, key)
        except PreparationError as error:
            raise StartError(str(error)) from None
        self.endpoint = Endpoint(self._name, f"http://{_reachable(self._settings.host)}:{self._port}", Secret(key))
        return found

    def lost_its_port(self) -> bool:
        """Whether somebody else has the port that was chosen."""
        if self._settings.port is not None:
            return False
        try:
            _bind(self._settings.host, self._port)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
        return False

    async def healthy(self) -> bool:
        """Whether it answers."""
        return self.endpoint is not None and await self.endpoint.healthy()

    async def close(self) -> None:
        """Close the connections to it."""
        if self.endpoint is not None:
            await self.endpoint.close()


def _free_port(host: str) -> int:
    return _bind(host, 0)


def _bind(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: what is left of ended connections does not keep a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        bound: int = probe.getsockname()[1]
    return bound


def _reachable(host: str) -> str:
    """``host`` as it stands in a URL; who listens on every address is asked on this machine's own."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not bound here
    return f"[{host}]" if ":" in host else host
