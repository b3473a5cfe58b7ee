"""``/v1/conversations``: made, listed, searched, renamed, switched to another branch, deleted, taken away and back."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from forebay.api.conversations import export
from forebay.api.conversations.exchange import Asker, no_such_path, path_of
from forebay.api.conversations.history import heard, new_id
from forebay.api.conversations.items import ItemEndpoints
from forebay.api.conversations.query import Query, listed
from forebay.api.conversations.titles import first_words
from forebay.api.http import Receive, Scope, Send, header, refuse_other_origins, require_json, send_body, send_json
from forebay.api.responses.shapes import Item as Sent
from forebay.core.conversations import LATEST, START, Change, Conversation, Conversations, Item, ListQuery, Titled
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError

PATH: Final = "/v1/conversations"
PREFIX: Final = "/v1/conversations/"
IMPORT_PATH: Final = "/v1/conversations/import"
LARGEST_PAGE: Final = 100
MOST_KEYS: Final = 16

Title = Annotated[str, Meta(max_length=256)]
Metadata = dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]]


class Create(Struct, frozen=True):
    """A conversation that is to be."""

    items: Annotated[list[Sent], Meta(max_length=20)] | None = None
    metadata: Metadata | None = None
    title: Title | None = None


class Update(Struct, frozen=True):
    """What is to become of one."""

    metadata: Metadata | None = None
    title: Title | None = None
    current_item: str | None = None


class ConversationEndpoints:
    """Each for their owner only."""

    def __init__(self, conversations: Conversations, asker: Asker, items: ItemEndpoints) -> None:
        self._conversations = conversations
        self._asker = asker
        self._items = items

    async def create(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A new one."""
        owner = await self._asker.owner(scope)
        body = (await receive())["body"]
        if body:
            require_json(header(scope, b"content-type"))
        else:
            refuse_other_origins(scope, header(scope, b"authorization"))
        wish = decode(body or b"{}", Create)
        metadata = _metadata(wish.metadata) or {}
        items = _chained(heard(wish.items or [], "items"))
        title, titled = _titled(wish.title or metadata.get("title"), items)
        now = time.time()
        leaf = items[-1].id if items else START
        made = Conversation(new_id("conv"), now, now, title, titled, leaf, metadata=metadata)
        await send_json(send, request_id, shown(await self._conversations.create(owner, made, items)))

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One page, the latest used first."""
        owner = await self._asker.owner(scope)
        query = Query(scope, ("limit", "after", "query", "since", "until"))
        wanted = ListQuery(
            query.text("query"), query.moment("since", 0.0), query.moment("until", LATEST), query.text("after")
        )
        limit = query.limit(LARGEST_PAGE)
        found = await self._conversations.list(owner, wanted, limit + 1)
        await send_json(send, request_id, listed([shown(each) for each in found[:limit]], len(found) > limit))

    async def read(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One of them, its items, or a file of it."""
        match path_of(scope, PREFIX):
            case [identity]:
                owner = await self._asker.owner(scope)
                await send_json(send, request_id, shown(await self._conversations.find(owner, identity)))
            case [identity, "items"]:
                await self._items.list(scope, send, request_id, identity)
            case [identity, "items", item]:
                await self._items.read(scope, send, request_id, identity, item)
            case [identity, "export"]:
                await self._export(scope, send, request_id, identity)
            case _:
                raise no_such_path(scope)

    async def write(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Change one, or add to it."""
        require_json(header(scope, b"content-type"))
        match path_of(scope, PREFIX):
            case [identity]:
                owner = await self._asker.owner(scope)
                wish = decode((await receive())["body"], Update)
                metadata = _metadata(wish.metadata)
                title = wish.title if wish.title is not None else (metadata or {}).get("title")
                change = Change(title, metadata, wish.current_item)
                await send_json(send, request_id, shown(await self._conversations.change(owner, identity, change)))
            case [identity, "items"]:
                await self._items.add(scope, receive, send, request_id, identity)
            case _:
                raise no_such_path(scope)

    async def delete(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Delete one, or an item of it."""
        owner = await self._asker.owner(scope)
        match path_of(scope, PREFIX):
            case [identity]:
                await self._conversations.delete(owner, identity)
                gone = {"id": identity, "object": "conversation.deleted", "deleted": True}
                await send_json(send, request_id, gone)
            case [identity, "items", item]:
                await send_json(send, request_id, shown(await self._conversations.remove(owner, identity, item)))
            case _:
                raise no_such_path(scope)

    async def bring(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A new one out of a file."""
        owner = await self._asker.owner(scope)
        body = (await receive())["body"]
        kind = header(scope, b"content-type")
        conversation, items = await asyncio.to_thread(export.read, body, kind)
        await send_json(send, request_id, shown(await self._conversations.create(owner, conversation, items)))

    async def _export(self, scope: Scope, send: Send, request_id: str, identity: str) -> None:
        owner = await self._asker.owner(scope)
        form = Query(scope, ("format",)).choice("format", *export.FORMS)
        found = await self._conversations.find(owner, identity)
        items = await self._conversations.tree(owner, identity)
        kind, ending, body = await asyncio.to_thread(export.FORMS[form], found, items)
        name = f'attachment; filename="{identity}.{ending}"'.encode()
        headers = [
            (b"content-type", kind),
            (b"content-disposition", name),
            (b"cache-control", b"no-store"),
            (b"x-request-id", request_id.encode()),
        ]
        await send_body(send, 200, headers, body)


def shown(found: Conversation) -> dict[str, Any]:
    """A conversation as clients see it."""
    return {
        "id": found.id,
        "object": "conversation",
        "created_at": int(found.created),
        "metadata": found.metadata,
        "updated_at": int(found.updated),
        "title": found.title,
        "current_item": found.leaf or None,
        "item_count": found.items,
    }


def _metadata(given: Metadata | None) -> Metadata | None:
    if given is not None and len(given) > MOST_KEYS:
        raise InvalidRequestError(f"'metadata' has at most {MOST_KEYS} keys.", param="metadata")
    return given


def _titled(title: str | None, items: list[Item]) -> tuple[str, Titled]:
    if title is not None:
        return title, "user"
    words = first_words(items)
    return words, "words" if words else ""


def _chained(items: Sequence[Item]) -> list[Item]:
    """One after the other."""
    found: list[Item] = []
    for item in items:
        found.append(msgspec.structs.replace(item, parent=found[-1].id if found else START))
    return found
