"""``/v1/reviews``: answers that somebody should look at, and what whoever did has made of them.

Everybody sees the answers to their tenant, an admin those to all; who may only read labels nothing.
"""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import Meta, Struct

from forebay.api.conversations.exchange import Asker
from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.api.query import cursor, known, number, page_of, read, tenant
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, NotFoundError
from forebay.core.reviews import Queue, Reason, Review, ReviewQuery, Texts, Verdict
from forebay.core.types import Principal

PATH: Final = "/v1/reviews"
PREFIX: Final = "/v1/reviews/"
PAGE: Final = 20
LARGEST_PAGE: Final = 100
KNOWN: Final = ("state", "reason", "model", "tenant", "before", "limit")
STATES: Final[Mapping[str, bool | None]] = {"all": None, "open": False, "labelled": True}


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """What a reviewer makes of an answer."""

    labels: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(min_length=1, max_length=16)]
    comment: Annotated[str, Meta(max_length=4000)] = ""
    correction: Annotated[str, Meta(max_length=100_000)] = ""


class ReviewEndpoints:
    """The queue, as far as the one who asks may see it."""

    def __init__(self, queue: Queue, asker: Asker) -> None:
        self._queue = queue
        self._asker = asker

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One page, the latest answers first."""
        principal = await self._asker.principal(scope)
        given = known(scope["query_string"], KNOWN)
        limit = number(given, "limit", PAGE, LARGEST_PAGE)
        found = await self._queue.list(_query(given, principal), limit + 1)
        data = [told(each, await self._queue.texts(each)) for each in found[:limit]]
        await send_json(send, request_id, page_of(found, limit, data))

    async def one(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One of them."""
        found = await self._found(scope, await self._asker.principal(scope))
        await send_json(send, request_id, told(found, await self._queue.texts(found)))

    async def label(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Say what is to be made of it; the last word counts."""
        principal = await self._asker.principal(scope)
        require_json(header(scope, b"content-type"))
        wish = decode((await receive())["body"], Label)
        found = await self._found(scope, principal)
        verdict = Verdict(principal.name, time.time(), wish.labels, wish.comment, wish.correction)
        await self._queue.label(found.id, verdict)
        labelled = await self._found(scope, principal)
        await send_json(send, request_id, told(labelled, await self._queue.texts(labelled)))

    async def _found(self, scope: Scope, principal: Principal) -> Review:
        found = await self._queue.find(scope["path"].removeprefix(PREFIX))
        if found is None or not (principal.admin or found.tenant == principal.tenant):
            raise NotFoundError("There is no such answer to review in your tenant; GET /v1/reviews lists them.")
        return found


def told(review: Review, texts: Texts | None) -> dict[str, Any]:
    """An answer as reviewers see it; without texts ``text_kept`` is false."""
    fields = {name: getattr(review, name) for name in ("id", "at", "tenant", "principal", "model", "prompt", "reasons")}
    return {
        **fields,
        "object": "review",
        "state": "open" if review.labelled is None else "labelled",
        "labels": review.labels,
        "comment": review.comment,
        "correction": review.correction,
        "reviewer": review.reviewer or None,
        "labelled_at": review.labelled,
        "text_kept": texts is not None,
        "kept_by": texts.kept_by if texts else None,
        "messages": texts.messages if texts else [],
        "answer": texts.answer if texts else None,
    }


def _query(given: Mapping[str, str], principal: Principal) -> ReviewQuery:
    state = STATES[_choice(given, "state", *STATES)]
    reason = _choice(given, "reason", "any", *get_args(Reason))
    wanted = None if reason == "any" else msgspec.convert(reason, Reason)
    whose = tenant(given, principal, "answers")
    return ReviewQuery(whose, state, wanted, given.get("model"), read(given, "before", cursor))


def _choice(given: Mapping[str, str], name: str, *choices: str) -> str:
    value = given.get(name, choices[0])
    if value not in choices:
        raise InvalidRequestError(f"'{name}' is one of: {', '.join(choices)}.", param=name)
    return value
