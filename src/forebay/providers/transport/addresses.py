"""Asks whole addresses that a configuration names, such as a guard's server or an issuer of tokens."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from forebay.core.types import TimeOuts
from forebay.providers.transport.client import Client


class Addresses:
    """One `Client` for each origin that was asked; redirects are not followed.

    Of an answer at most ``most`` bytes are read, and ``timeouts`` hold for each request.
    """

    def __init__(self, most: int, timeouts: TimeOuts) -> None:
        self._most = most
        self._timeouts = timeouts
        self._clients: dict[str, Client] = {}

    async def ask(self, method: bytes, url: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of what ``url`` answers.

        Raises:
            TransportError: there is no answer, or a longer one.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        client = self._clients.get(origin)
        if client is None:
            client = self._clients[origin] = Client(origin, environ=os.environ)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        response = await client.send(method, path.encode(), body, headers=pairs, timeouts=self._timeouts)
        return response.status, await response.read(self._most)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
