"""Conversations as files, to be taken away and brought back."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from forebay.api.conversations import markdown
from forebay.api.conversations.history import heard, new_id, shown
from forebay.api.conversations.titles import first_words
from forebay.api.responses.shapes import Item as Sent
from forebay.core.conversations import START, Conversation, Facts, Item, Titled
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, UnsupportedMediaTypeError
from forebay.core.money import pico

KIND: Final = "forebay.conversation"
MOST_ITEMS: Final = 100_000

File = tuple[bytes, str, bytes]
"""A content type, the end of a file's name, a body."""


class Head(Struct, frozen=True):
    """Where an item stands, and what is known of it."""

    id: Annotated[str, Meta(min_length=1, max_length=256)]
    parent: str | None = None
    status: Literal["in_progress", "completed", "incomplete", "failed"] = "completed"
    created_at: Annotated[float, Meta(ge=0, le=1e11)] | None = None
    forebay: dict[str, Any] | None = None


class Exported(Struct, frozen=True):
    """A file of ours."""

    object: Literal["forebay.conversation"]
    version: Literal[1]
    items: Annotated[list[msgspec.Raw], Meta(max_length=MOST_ITEMS)]
    title: Annotated[str, Meta(max_length=256)] = ""
    created_at: Annotated[float, Meta(ge=0, le=1e11)] | None = None
    metadata: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
    ] = {}
    current_item: str | None = None


def as_json(found: Conversation, items: Sequence[Item]) -> File:
    """All branches, with all that is known."""
    body = {
        "object": KIND,
        "version": 1,
        "title": found.title,
        "created_at": int(found.created),
        "metadata": found.metadata,
        "current_item": found.leaf or None,
        "items": [shown(item, encrypted=True) | {"created_at": item.created} for item in items],
    }
    return b"application/json", "json", msgspec.json.format(msgspec.json.encode(body))


def as_markdown(found: Conversation, items: Sequence[Item]) -> File:
    """The messages of the current branch."""
    by_id = {item.id: item for item in items}
    way: list[Item] = []
    name = found.leaf
    while item := by_id.get(name):
        way.append(item)
        name = item.parent
    said = [markdown.Said(item.role, _said(item)) for item in reversed(way) if item.type == "message"]
    return b"text/markdown; charset=utf-8", "md", markdown.write(found.title, said).encode()


def _said(item: Item) -> str:
    """What stands in its parts; a store keeps ``text`` for searching, and does not read it back."""
    parts = item.fields.get("content") or ()
    return "\n\n".join(filter(None, (part.get("text") or part.get("refusal") for part in parts)))


FORMS: Final[Mapping[str, Callable[[Conversation, Sequence[Item]], File]]] = {
    "json": as_json,
    "markdown": as_markdown,
}


def read(body: bytes, content_type: str | None) -> tuple[Conversation, Sequence[Item]]:
    """The conversation in a file, with ids that are new.

    Raises:
        InvalidRequestError: it is no file of ours; ``param`` is what is wrong.
        UnsupportedMediaTypeError: it is not said to be one.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _from_json(_decoded(body))
    if kind == "text/markdown":
        return _from_markdown(body)
    raise UnsupportedMediaTypeError("Send the file as 'application/json' or 'text/markdown'.")


def _decoded(body: bytes) -> Exported:
    try:
        return decode(body, Exported)
    except InvalidRequestError as error:
        error.message = f"This file is no conversation of Forebay's. {error.message}"
        raise


def _from_json(file: Exported) -> tuple[Conversation, Sequence[Item]]:
    names: dict[str, str] = {}
    items = [_item(raw, f"items[{number}]", names) for number, raw in enumerate(file.items)]
    leaf = items[-1].id if items else START
    if file.current_item is not None:
        if file.current_item not in names:
            raise InvalidRequestError("'current_item' is none of the items.", param="current_item")
        leaf = names[file.current_item]
    now = time.time()
    created = now if file.created_at is None else file.created_at
    titled: Literal["user", ""] = "user" if file.title else ""
    return Conversation(new_id("conv"), created, now, file.title, titled, leaf, metadata=file.metadata), items


def _item(raw: msgspec.Raw, where: str, names: dict[str, str]) -> Item:
    """One item; ``names`` are the new ids by the old ones, and learn this one's."""
    try:
        head, sent = decode(bytes(raw), Head), decode(bytes(raw), Sent)
    except InvalidRequestError as error:
        raise InvalidRequestError(
            f"{where}: {error.message}", param=f"{where}.{error.param or ''}".rstrip(".")
        ) from None
    (plain,) = heard([sent], where.partition("[")[0])
    if head.parent is not None and head.parent not in names:
        raise InvalidRequestError(
            f"'{where}.parent' is none of the items before: parents come first.", param=f"{where}.parent"
        )
    if head.id in names:
        raise InvalidRequestError(f"'{where}.id' is there twice.", param=f"{where}.id")
    names[head.id] = plain.id
    return msgspec.structs.replace(
        plain,
        parent=names[head.parent] if head.parent else START,
        status="incomplete" if head.status in {"in_progress", "failed"} else head.status,
        created=plain.created if head.created_at is None else head.created_at,
        output=head.forebay is not None,
        facts=_facts(head.forebay, f"{where}.forebay"),
    )


def _facts(told: Mapping[str, Any] | None, where: str) -> Facts | None:
    """What was known of an answer; nothing of it is counted again."""
    if told is None:
        return None
    known = {name: told[name] for name in Facts.__struct_fields__ if told.get(name) is not None}
    known["request"] = told.get("request_id") or ""
    if (cost := told.get("cost_dollars")) is not None:
        known["cost"] = pico(cost) if isinstance(cost, str) else cost
    known["finish"] = told.get("finish_reason")
    known["guards"] = ()  # what objected then is told by the request's own story
    if speed := told.get("tokens_per_second"):
        known["tpot"] = 1 / speed if isinstance(speed, int | float) and speed > 0 else None
    try:
        return msgspec.convert({"model": "", **known}, Facts)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"'{where}': {error}.", param=where) from None


def _from_markdown(body: bytes) -> tuple[Conversation, Sequence[Item]]:
    title, said = markdown.read(body)
    items: list[Item] = []
    for each in said:
        sent = msgspec.convert({"role": each.role, "content": each.text}, Sent)
        (item,) = heard([sent], "items")
        items.append(msgspec.structs.replace(item, parent=items[-1].id if items else START))
    now = time.time()
    leaf = items[-1].id if items else START
    words = first_words(items)
    titled: Titled = "user" if title else "words" if words else ""
    return Conversation(new_id("conv"), now, now, title or words, titled, leaf), items
