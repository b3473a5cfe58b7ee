"""``GET /v1/requests/{id}/route``: why a request went where it went."""

import msgspec

from forebay.api.http import JSON, Receive, Scope, Send, header, send_body
from forebay.core.errors import NotFoundError
from forebay.core.ports import Authenticator
from forebay.gateway.explain import Explanations

PREFIX = "/v1/requests/"
SUFFIX = "/route"


class Requests:
    """What is remembered about requests; each caller is told about its own."""

    def __init__(self, explanations: Explanations, authenticator: Authenticator) -> None:
        self._explanations = explanations
        self._authenticator = authenticator

    async def route(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """The attempts of one request, also while it runs."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        path = scope["path"].removeprefix(PREFIX)
        found = self._explanations.find(path.removesuffix(SUFFIX), principal) if path.endswith(SUFFIX) else None
        if found is None:
            raise NotFoundError(
                "There is no such request of yours: a server process remembers its latest few thousand, "
                "at /v1/requests/ID/route with the ID of the header x-request-id."
            )
        await send_body(send, 200, [JSON, (b"x-request-id", request_id.encode())], msgspec.json.encode(found))
