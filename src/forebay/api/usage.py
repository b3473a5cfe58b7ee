"""``GET /v1/usage``: what was used, row by row or summed up, as JSON or CSV; everybody sees their own tenant's."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, get_args

import msgspec

from forebay.api.http import Headers, Receive, Scope, Send, header, send_json
from forebay.api.query import cursor, known, moment, number, page_of, read, tenant
from forebay.core.errors import InvalidRequestError
from forebay.core.ledger import LATEST, Group, UsageBook, UsageQuery
from forebay.core.money import dollars
from forebay.core.ports import Authenticator
from forebay.core.types import Principal, Record

PATH: Final = "/v1/usage"
CSV: Headers = [
    (b"content-type", b"text/csv; charset=utf-8"),
    (b"content-disposition", b'attachment; filename="usage.csv"'),
]
PAGE: Final = 100
LARGEST_PAGE: Final = 1000
GROUPS: Final[Sequence[str]] = get_args(Group)
KNOWN: Final = ("tenant", "principal", "model", "since", "until", "after", "limit", "group_by", "format")
COLUMNS: Final = (
    *("id", "at", "tenant", "principal", "operation", "model", "deployment", "status", "outcome", "stream"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "cost", "latency", "ttft"),
)
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class UsageEndpoint:
    """The ledger, as far as the one who asks may see it: an admin all, others what their tenant has used."""

    def __init__(self, book: UsageBook, authenticator: Authenticator) -> None:
        self._book = book
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Rows, oldest first; sums with ``group_by``; all rows as a file with ``format=csv``."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        given = _parameters(scope["query_string"])
        query = _query(given, principal)
        if given.get("format", "json") == "csv":
            await self._export(query, send, request_id)
            return
        by = given.get("group_by")
        found = await self._rows(query, given) if by is None else await self._sums(query, by)
        await send_json(send, request_id, found)

    async def _rows(self, query: UsageQuery, given: Mapping[str, str]) -> dict[str, object]:
        limit = number(given, "limit", PAGE, LARGEST_PAGE)
        rows = await self._book.rows(query, limit + 1)
        return page_of(rows, limit, [_shown(row) for row in rows[:limit]])

    async def _sums(self, query: UsageQuery, by: str) -> dict[str, object]:
        group = _group(by)
        sums = await self._book.sums(query, group)
        return {
            "object": "list",
            "group_by": group,
            "data": [{**msgspec.structs.asdict(each), "cost_dollars": dollars(each.cost)} for each in sums],
        }

    async def _export(self, query: UsageQuery, send: Send, request_id: str) -> None:
        """Every row of ``query``, page by page, so that the memory is bounded."""
        pages = self._pages(query)
        first = await anext(pages)  # an error can still be told as one
        await send({"type": "http.response.start", "status": 200, "headers": [*CSV, _id(request_id)]})
        await send({"type": "http.response.body", "body": _csv([COLUMNS]) + _table(first), "more_body": True})
        async for page in pages:
            await send({"type": "http.response.body", "body": _table(page), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _pages(self, query: UsageQuery) -> AsyncIterator[Sequence[Record]]:
        while True:
            page = await self._book.rows(query, LARGEST_PAGE)
            yield page
            if len(page) < LARGEST_PAGE:
                return
            query = msgspec.structs.replace(query, after=(page[-1].at, page[-1].id))


def _parameters(text: bytes) -> Mapping[str, str]:
    given = known(text, KNOWN)
    if given.get("format", "json") not in {"json", "csv"}:
        raise InvalidRequestError("'format' is json or csv.", param="format")
    return given


def _query(given: Mapping[str, str], principal: Principal) -> UsageQuery:
    return UsageQuery(
        tenant(given, principal, "usage"),
        given.get("principal"),
        given.get("model"),
        moment(given, "since", 0.0),
        moment(given, "until", LATEST),
        read(given, "after", cursor),
    )


def _group(text: str) -> Group:
    for group in get_args(Group):
        if group == text:
            found: Group = group
            return found
    raise InvalidRequestError(f"'group_by' is one of {', '.join(GROUPS)}.", param="group_by")


def _shown(row: Record) -> dict[str, object]:
    told = msgspec.structs.asdict(row)
    del told["story"]  # /v1/requests/ID tells it
    return {"object": "usage", **told}


def _table(rows: Sequence[Record]) -> bytes:
    return _csv([[_cell(getattr(row, name)) for name in COLUMNS] for row in rows])


def _csv(lines: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A name that came from outside must not become a formula of whoever opens the file in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _id(request_id: str) -> tuple[bytes, bytes]:
    return b"x-request-id", request_id.encode()
