"""``GET /v1/captures``: captured requests with their replies and what became of them, for `forebay replay`.

They say what people wrote: everybody sees their own, an admin those of all.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.api.query import known, number, page_of
from forebay.api.requestlog import query_of
from forebay.api.story import story
from forebay.core.captures import Capture, CaptureBook
from forebay.core.errors import InvalidRequestError, NotFoundError
from forebay.core.ports import Authenticator
from forebay.core.requestlog import RequestLog, RequestQuery
from forebay.core.types import Principal, Record

PATH: Final = "/v1/captures"
PREFIX: Final = "/v1/captures/"
PAGE: Final = 20
LARGEST_PAGE: Final = 100
KNOWN: Final = ("tenant", "principal", "model", "since", "until", "before", "limit")


class CaptureEndpoints:
    """Captures, as far as the one who asks may see them; ``log`` knows what became of the requests."""

    def __init__(self, book: CaptureBook, log: RequestLog, authenticator: Authenticator) -> None:
        self._book = book
        self._log = log
        self._authenticator = authenticator

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """The latest, newest first, a page at a time."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        given = known(scope["query_string"], KNOWN)
        limit = number(given, "limit", PAGE, LARGEST_PAGE)
        found = await self._book.latest(_own(query_of(given, principal), principal), limit + 1)
        data = [await self._told(each) for each in found[:limit]]
        await send_json(send, request_id, page_of(found, limit, data))

    async def one(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """That of one request."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        found = await self._book.find(scope["path"].removeprefix(PREFIX))
        if found is None or not _may_see(principal, found):
            raise NotFoundError("There is no such capture of yours; it may have been deleted by 'capture.retention'.")
        await send_json(send, request_id, await self._told(found))

    async def _told(self, capture: Capture) -> Mapping[str, object]:
        rows: Sequence[Record] = await self._log.find(capture.id)
        return {
            "id": capture.id,
            "object": "capture",
            "at": capture.at,
            "tenant": capture.tenant,
            "principal": capture.principal,
            "operation": capture.operation,
            "model": capture.model,
            "request": msgspec.Raw(capture.request),
            "reply": msgspec.Raw(capture.reply) if capture.reply else None,
            "story": story(rows[-1]) if rows else None,
        }


def _may_see(principal: Principal, capture: Capture) -> bool:
    return principal.admin or (capture.tenant, capture.principal) == (principal.tenant, principal.name)


def _own(query: RequestQuery, principal: Principal) -> RequestQuery:
    """``query``, as far as it is ``principal``'s to ask.

    Raises:
        InvalidRequestError: it is about somebody else.
    """
    if principal.admin:
        return query
    if query.principal not in {None, principal.name}:
        raise InvalidRequestError("Only an admin sees what others wrote; leave it out.", param="principal")
    return msgspec.structs.replace(query, principal=principal.name)
