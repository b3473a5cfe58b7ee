"""Feedback as a dataset: what was said about an answer, joined with the request it was for and, if kept, the texts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import msgspec

from forebay.core.conversations import Item, Owner
from forebay.core.errors import NotFoundError
from forebay.core.feedback import Feedback, FeedbackQuery
from forebay.core.store import Store
from forebay.core.types import Record

PAGE: Final = 100
RESPONSE, REQUEST = "resp_", "req_"


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """One word of feedback; ``messages`` and ``expected`` make it a case of an evaluation.

    ``expected`` is the correction, else the answer where it was liked. ``messages`` are there where the answer was kept
    (docs/conversations.md), ``prompt``, ``model`` and ``deployment`` where the ledger has the request.
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
    messages, answer = await _texts(store, said)
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


async def _texts(store: Store, said: Feedback) -> tuple[Sequence[Mapping[str, str]], str]:
    """What was asked, and what was answered; nothing where it was not kept, or is somebody else's."""
    if said.kind != "response":
        return (), ""
    try:
        items = await store.responses.history(Owner(said.tenant, said.principal), said.target)
    except NotFoundError:
        return (), ""
    asked = [_message(item) for item in items if item.response != said.target or not item.output]
    answer = "".join(_text(item) for item in items if item.output and item.response == said.target)
    return [each for each in asked if each["content"]], answer


def _message(item: Item) -> Mapping[str, str]:
    return {"role": item.role or "user", "content": _text(item)}


def _text(item: Item) -> str:
    """What a message says; what is none, or no text, says nothing."""
    content = item.fields.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
