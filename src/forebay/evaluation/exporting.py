"""Feedback as a dataset: what was said about an answer, joined with the request it was for and, if kept, the texts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import msgspec

from forebay.core.conversations import Owner
from forebay.core.feedback import Feedback, FeedbackQuery
from forebay.core.reviews import Texts
from forebay.core.store import Store
from forebay.core.types import Record
from forebay.transcripts import REQUEST, RESPONSE, texts

PAGE: Final = 100


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """One word of feedback; ``messages`` and ``expected`` make it a case of an evaluation.

    ``expected`` is the correction, else the answer where it was liked. ``messages`` are there where the answer was kept
    (docs/conversations.md) or captured (docs/observability.md), ``prompt``, ``model`` and ``deployment`` where the
    ledger has the request.
    """

    id: str
    rating: str | None = None
    score: float | None = None
    comment: str = ""
    labels: tuple[str, ...] = ()
    messages: Sequence[Mapping[str, str]] = ()
    answer: str = ""
    expected: str | None = None
    request_id: str = ""
    tenant: str = ""
    model: str = ""
    deployment: str = ""
    used_prompt: str = ""
    cost: int | None = None
    at: float = 0.0


async def examples(store: Store, query: FeedbackQuery) -> AsyncIterator[Example]:
    """All feedback of ``query``, the latest first.

    Raises:
        UnavailableError: the store cannot be read now.
    """
    while page := await store.feedback.list(query, PAGE):
        for each in page:
            yield await _example(store, each)
        query = msgspec.structs.replace(query, after=page[-1].id)


async def _example(store: Store, said: Feedback) -> Example:
    request = said.target.replace(RESPONSE, REQUEST, 1) if said.kind != "item" else ""
    rows = await store.requests.find(request) if request else ()
    row: Record | None = rows[-1] if rows else None
    kept = await _texts(store, said)
    messages, answer = (kept.messages, kept.answer) if kept else ((), "")
    liked = answer if said.rating == "up" and answer else None
    return Example(
        said.id,
        said.rating,
        said.score,
        said.comment,
        said.labels,
        messages,
        answer,
        said.correction or liked,
        request,
        said.tenant,
        row.model if row else "",
        row.deployment if row else "",
        row.prompt if row else "",
        row.cost if row else None,
        said.created,
    )


async def _texts(store: Store, said: Feedback) -> Texts | None:
    """What was asked, and what was answered; nothing where it was not kept, or is somebody else's."""
    owner = Owner(said.tenant, said.principal)
    match said.kind:
        case "response":
            return await texts(store, owner, said.target.replace(RESPONSE, REQUEST, 1))
        case "request":
            return await texts(store, owner, said.target)
        case "item":
            return None
