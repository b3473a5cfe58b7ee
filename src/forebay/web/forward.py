"""The page in a process of its own: what it asks is handed on to the gateway, so that a browser sees one origin."""

import logging
from typing import Final

from forebay.core.access import ON_BEHALF_OF
from forebay.core.errors import UpstreamError, UpstreamTimeoutError
from forebay.core.types import TimeOuts
from forebay.providers.transport import Client, Response, TimedOutError, TransportError
from forebay.web.static import Receive, Scope, Send

logger = logging.getLogger("forebay.web")

PATIENCE: Final = TimeOuts(connect=5.0, first_token=600.0, between_tokens=600.0, total=3600.0)
"""The gateway has its own, which are shorter; these only end what it has forgotten."""

_OF_THE_CONNECTION: Final = frozenset(
    {
        b"connection",
        b"date",
        b"expect",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"server",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields that are each connection's own (RFC 9110, section 7.6.1), or that every response of ours has anyway."""

_OF_THE_CLIENT: Final = frozenset({b"accept-encoding", b"content-length", ON_BEHALF_OF})
"""Fields of a request that are written anew."""


Fields = list[tuple[bytes, bytes]]


class Forward:
    """Hands every request on to the gateway at ``url`` as it came, and its response back as it comes."""

    def __init__(self, url: str) -> None:
        self._client = Client(url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str = "") -> None:
        """Answer one request as the gateway does.

        Raises:
            UpstreamError: the gateway cannot be reached, or broke off before it answered.
            UpstreamTimeoutError: it takes too long.
        """
        response = await self._asked(scope, (await receive())["body"])
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": _back(response)})
            while piece := await response.chunk():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TransportError as error:
            logger.warning("request %s: the gateway broke off: %s", request_id, error)
            return  # without an end, so the browser's connection is cut as ours was
        finally:
            response.close()
        await send({"type": "http.response.body", "body": b""})

    async def _asked(self, scope: Scope, body: bytes) -> Response:
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        try:
            return await self._client.send(
                scope["method"].encode(), target, body, headers=_there(scope), timeouts=PATIENCE
            )
        except TimedOutError:
            raise UpstreamTimeoutError("The gateway takes too long to answer: try again later.") from None
        except TransportError as error:
            logger.warning("the gateway cannot be asked: %s", error)
            raise UpstreamError("The gateway cannot be reached: try again in a moment.") from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def _there(scope: Scope) -> Fields:
    """The header of a request on its way to the gateway; ``Host`` stays, since a cookie or an origin is of it."""
    fields = [each for each in scope["headers"] if each[0] not in _OF_THE_CONNECTION | _OF_THE_CLIENT]
    client = scope.get("client")
    return [*fields, (ON_BEHALF_OF, client[0].encode() if client else b"unknown")]


def _back(response: Response) -> Fields:
    """The header of a response on its way to the browser."""
    fields = [(name.lower(), value.strip()) for name, value in response.headers.items()]
    return [each for each in fields if each[0] not in _OF_THE_CONNECTION]
