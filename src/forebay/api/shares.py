"""``/v1/shares`` and ``/share/TOKEN``: links that show a report or a conversation to whoever has them, for a while."""

import math
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Annotated, Any, Final, NamedTuple

from msgspec import Meta, Struct

from forebay.api.conversations.exchange import Asker
from forebay.api.conversations.page import page
from forebay.api.http import Headers, Receive, Scope, Send, header, require_json, send_body, send_json
from forebay.api.query import known, number
from forebay.auth.trail import Trail
from forebay.core.conversations import BranchQuery, Conversations, Owner
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from forebay.core.shares import Share, ShareBook, Shared
from forebay.core.types import Principal

PATH: Final = "/v1/shares"
PREFIX: Final = "/v1/shares/"
LINK: Final = "/share/"
DAY: Final = 86400.0
YEAR: Final = 366 * 86400
PAGE: Final = 100
TOKEN_BYTES: Final = 32

# Nothing may be loaded, run, framed or sent from such a page; styles stand in its attributes.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; sandbox"
HEADERS: Final[Headers] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", f"{POLICY}; frame-ancestors 'none'".encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]

Report = Callable[[str | None, float, float], Awaitable[tuple[str, bytes]]]
"""The title and the page of a report of a tenant (``None``: of all), from one moment to another."""


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be shared, for how many seconds."""

    what: Shared
    expires_in: Annotated[int, Meta(ge=60, le=YEAR)] = 7 * 86400
    conversation_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    days: Annotated[int, Meta(ge=1, le=366)] = 7
    until: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    tenant: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class Content(NamedTuple):
    """What a link shows, in the terms of `Share`."""

    title: str
    conversation: str = ""
    leaf: str = ""
    page: bytes = b""


class ShareEndpoints:
    """Links, made and revoked by whoever may change something; opened by anybody."""

    def __init__(
        self, book: ShareBook, conversations: Conversations, report: Report, asker: Asker, trail: Trail
    ) -> None:
        self._book = book
        self._conversations = conversations
        self._report = report
        self._asker = asker
        self._trail = trail

    async def create(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Make a link; its address is told this once."""
        principal = await self._asker.principal(scope)
        require_json(header(scope, b"content-type"))
        wish = decode((await receive())["body"], Wish)
        content = await (self._conversation if wish.what == "conversation" else self._reported)(wish, principal)
        now, token = time.time(), token_urlsafe(TOKEN_BYTES)
        identity = f"share_{os.urandom(12).hex()}"
        share = Share(
            identity,
            principal.tenant,
            principal.name,
            wish.what,
            now,
            now + wish.expires_in,
            content.conversation,
            content.leaf,
            content.title,
            content.page,
        )
        await self._book.add(_digest(token), share)
        await self._trail.note(principal, "share.create", identity, what=share.what, title=share.title)
        await send_json(send, request_id, told(share) | {"url": f"{LINK}{token}"}, 201)

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One's own links that still show something, an admin's: everybody's."""
        principal = await self._asker.principal(scope)
        limit = number(known(scope["query_string"], ("limit",)), "limit", PAGE, PAGE)
        found = await self._book.list(_whose(principal), time.time(), limit)
        await send_json(send, request_id, {"object": "list", "data": [told(each) for each in found]})

    async def revoke(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Let one show nothing any more."""
        principal = await self._asker.principal(scope)
        identity = scope["path"].removeprefix(PREFIX)
        if not await self._book.remove(identity, _whose(principal)):
            raise NotFoundError("There is no such link of yours; GET /v1/shares lists them.")
        await self._trail.note(principal, "share.delete", identity)
        await send_json(send, request_id, {"id": identity, "object": "share.deleted", "deleted": True})

    async def open(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """What a link shows; no word on why one shows nothing."""
        share = await self._book.open(_digest(scope["path"].removeprefix(LINK)), time.time())
        shown = None if share is None else share.page or await self._said(share)
        if shown is None:
            raise NotFoundError("This link shows nothing, or does so no more.")
        headers = [*HEADERS, (b"x-request-id", request_id.encode())]
        await send_body(send, 200, headers, shown)

    async def _conversation(self, wish: Wish, principal: Principal) -> Content:
        if wish.conversation_id is None:
            raise InvalidRequestError("Name the conversation.", param="conversation_id")
        found = await self._conversations.find(Owner.of(principal), wish.conversation_id)
        return Content(found.title, found.id, found.leaf)

    async def _reported(self, wish: Wish, principal: Principal) -> Content:
        if not principal.admin:  # it tells what everybody has spent, and what they have written
            raise PermissionDeniedError("Only an admin shares reports.")
        until = _midnight(wish.until)
        if until > time.time():
            raise InvalidRequestError("A report is of days that are over.", param="until")
        title, shown = await self._report(wish.tenant, until - wish.days * DAY, until)
        return Content(title, page=shown)

    async def _said(self, share: Share) -> bytes | None:
        owner = Owner(share.tenant, share.owner)
        try:
            found = await self._conversations.find(owner, share.conversation)
            items = await self._conversations.branch(owner, share.conversation, BranchQuery(leaf=share.leaf))
        except (NotFoundError, InvalidRequestError):  # it was deleted, or what it ended with
            return None
        return page(found.title, items)


def told(share: Share) -> dict[str, Any]:
    """A link as whoever made it sees it; the address is not known any more."""
    return {
        "id": share.id,
        "object": "share",
        "what": share.what,
        "title": share.title,
        "conversation_id": share.conversation or None,
        "principal": share.owner,
        "created_at": math.floor(share.created),
        "expires_at": math.floor(share.expires),
    }


def _whose(principal: Principal) -> tuple[str, str] | None:
    return None if principal.admin else (principal.tenant, principal.name)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _midnight(day: str | None) -> float:
    try:
        found = datetime.now(UTC) if day is None else datetime.fromisoformat(day)
    except ValueError:
        raise InvalidRequestError("'until' is a day, such as 2026-11-23.", param="until") from None
    return found.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC).timestamp()
