"""``GET /v1/requests`` and ``/v1/requests/{id}``: the log of requests, and the whole story of one.

Everybody sees the requests of their tenant, an admin those of all.
"""

from collections.abc import Callable, Mapping
from typing import Final

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.api.query import cursor, known, moment, number, page_of, read, statuses, tenant
from forebay.api.story import line, story
from forebay.core.errors import NotFoundError
from forebay.core.ledger import LATEST
from forebay.core.ports import Authenticator
from forebay.core.requestlog import RequestLog, RequestQuery
from forebay.core.types import Principal, Record
from forebay.gateway.explain import Explanations

PATH: Final = "/v1/requests"
PREFIX: Final = "/v1/requests/"
ROUTE: Final = "/route"
PAGE: Final = 50
LARGEST_PAGE: Final = 500
KNOWN: Final = ("tenant", "principal", "model", "status", "since", "until", "before", "limit")


class RequestEndpoints:
    """``logs`` are asked in their order, after ``flush`` has them know everything that has ended until now."""

    def __init__(
        self,
        explanations: Explanations,
        logs: tuple[RequestLog, ...],
        flush: Callable[[], None],
        authenticator: Authenticator,
    ) -> None:
        self._explanations = explanations
        self._logs = logs
        self._flush = flush
        self._authenticator = authenticator

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """The latest requests, newest first, a page at a time."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        given = known(scope["query_string"], KNOWN)
        query = query_of(given, principal)
        limit = number(given, "limit", PAGE, LARGEST_PAGE)
        self._flush()
        rows = await self._logs[-1].latest(query, limit + 1)
        await send_json(send, request_id, page_of(rows, limit, [line(row) for row in rows[:limit]]))

    async def one(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """The story of one request; while it runs only how it was routed until now."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        wanted, slash, rest = scope["path"].removeprefix(PREFIX).partition("/")
        if slash + rest == ROUTE:
            await send_json(
                send, request_id, self._route(wanted, principal) or await self._ended(wanted, principal, _route)
            )
        elif not slash:
            await send_json(send, request_id, await self._told(wanted, principal))
        else:
            raise _none()

    async def _told(self, wanted: str, principal: Principal) -> Mapping[str, object]:
        try:
            return await self._ended(wanted, principal, story)
        except NotFoundError:
            running = self._route(wanted, principal)
            if running is None:
                raise
            return {**running, "object": "request", "outcome": "running"}

    def _route(self, wanted: str, principal: Principal) -> dict[str, object] | None:
        return self._explanations.find(wanted, principal)

    async def _ended(
        self, wanted: str, principal: Principal, tell: Callable[[Record], dict[str, object]]
    ) -> dict[str, object]:
        self._flush()
        for log in self._logs:
            found = [each for each in await log.find(wanted) if principal.admin or each.tenant == principal.tenant]
            if found:
                return tell(found[-1])
        raise _none()


def _route(record: Record) -> dict[str, object]:
    told = story(record)
    return {name: told[name] for name in ("id", "model", "deployment", "attempts", "choices")} | {"object": "route"}


def _none() -> NotFoundError:
    return NotFoundError(
        "There is no such request of yours. The ID of the header x-request-id finds it at /v1/requests/ID, as long as "
        "the store keeps it; without a store a server remembers its latest few thousand."
    )


def query_of(given: Mapping[str, str], principal: Principal) -> RequestQuery:
    """Which requests are meant.

    Raises:
        InvalidRequestError: they cannot be meant by ``principal``, or by anybody.
    """
    return RequestQuery(
        tenant(given, principal, "requests"),
        given.get("principal"),
        given.get("model"),
        statuses(given.get("status")),
        moment(given, "since", 0.0),
        moment(given, "until", LATEST),
        read(given, "before", cursor),
    )
