"""``/v1/feedback``: what people thought of answers."""

import math
import time
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from forebay.api.conversations.asked import Asked
from forebay.api.conversations.exchange import Asker, no_such_path, path_of
from forebay.api.conversations.history import new_id
from forebay.api.conversations.query import Query, listed
from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.core.conversations import Conversations, Owner, Responses
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, NotFoundError
from forebay.core.feedback import Feedback, FeedbackBook, FeedbackQuery, Rating
from forebay.core.types import Principal

PATH: Final = "/v1/feedback"
PREFIX: Final = "/v1/feedback/"
LARGEST_PAGE: Final = 100
KINDS: Final = ("response", "item", "request")

Kind = Literal["response", "item", "request"]
Name = Annotated[str, Meta(min_length=1, max_length=128)]


class Opinion(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody thinks of an answer, which is named by one of the ids."""

    response_id: Name | None = None
    item_id: Name | None = None
    request_id: Name | None = None
    rating: Rating | None = None
    score: float | None = None
    comment: Annotated[str, Meta(max_length=4000)] = ""
    correction: Annotated[str, Meta(max_length=100_000)] = ""
    labels: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=16)] = ()

    def target(self) -> tuple[Kind, str]:
        """What it is about.

        Raises:
            InvalidRequestError: nothing, or more than one thing; or nothing is said of it.
        """
        named: list[tuple[Kind, str]] = [
            (kind, name) for kind in get_args(Kind) if (name := getattr(self, f"{kind}_id")) is not None
        ]
        if len(named) != 1:
            raise InvalidRequestError("Send exactly one of response_id, item_id, request_id.", param="response_id")
        said = (self.rating, self.score, self.comment or None, self.correction or None, self.labels or None)
        if said == (None,) * len(said) or not math.isfinite(self.score or 0.0):
            raise InvalidRequestError(
                "Say something: 'rating' (up or down), 'score', 'comment', 'correction' or 'labels'.", param="rating"
            )
        return named[0]


class FeedbackEndpoints:
    """Everybody says what they think of their own answers; an admin reads it all."""

    def __init__(
        self, book: FeedbackBook, conversations: Conversations, responses: Responses, asked: Asked, asker: Asker
    ) -> None:
        self._book = book
        self._conversations = conversations
        self._responses = responses
        self._asked = asked
        self._asker = asker

    async def create(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Say it, or say it anew."""
        principal = await self._asker.principal(scope)
        require_json(header(scope, b"content-type"))
        opinion = decode((await receive())["body"], Opinion)
        kind, target = opinion.target()
        await self._require(principal, kind, target)
        kept = await self._book.put(
            Feedback(
                new_id("fb"),
                time.time(),
                principal.tenant,
                principal.name,
                kind,
                target,
                opinion.rating,
                opinion.score,
                opinion.comment,
                opinion.correction,
                opinion.labels,
            )
        )
        await send_json(send, request_id, shown(kept), 201)

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """What was said, the latest first."""
        principal = await self._asker.principal(scope)
        query = Query(scope, ("limit", "after", "response_id", "item_id", "request_id", "rating"))
        limit = query.limit(LARGEST_PAGE)
        target = next((name for kind in KINDS if (name := query.text(f"{kind}_id"))), None)
        rating = query.choice("rating", "", *get_args(Rating))
        wanted = FeedbackQuery(
            None if principal.admin else principal.tenant,
            None if principal.admin else principal.name,
            target,
            msgspec.convert(rating or None, Rating | None),
            query.text("after"),
        )
        found = await self._book.list(wanted, limit + 1)
        await send_json(send, request_id, listed([shown(each) for each in found[:limit]], len(found) > limit))

    async def delete(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Take it back."""
        principal = await self._asker.principal(scope)
        match path_of(scope, PREFIX):
            case [identity]:
                await self._book.delete(principal.tenant, principal.name, identity)
                await send_json(send, request_id, {"id": identity, "object": "feedback.deleted", "deleted": True})
            case _:
                raise no_such_path(scope)

    async def _require(self, principal: Principal, kind: Kind, target: str) -> None:
        """It must be theirs."""
        owner = Owner.of(principal)
        match kind:
            case "response":
                await self._responses.find(owner, target)
            case "item":
                if target not in await self._conversations.items(owner, [target]):
                    raise NotFoundError(f"There is no item '{target[:80]}' of yours.", param="item_id")
            case "request":
                if not await self._asked.by(principal, target):
                    raise NotFoundError(
                        f"There is no request '{target[:80]}' of yours: send the header x-request-id of the answer.",
                        param="request_id",
                    )


def shown(found: Feedback) -> dict[str, Any]:
    """Feedback as clients see it."""
    targets = {f"{kind}_id": found.target if kind == found.kind else None for kind in KINDS}
    return {
        "id": found.id,
        "object": "feedback",
        "created_at": int(found.created),
        "principal": found.principal,
        **targets,
        "rating": found.rating,
        "score": found.score,
        "comment": found.comment,
        "correction": found.correction,
        "labels": found.labels,
    }
