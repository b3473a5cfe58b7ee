"""Conversations and their items: made, read, changed, deleted, each for its owner only."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.core.conversations import (
    Bounds,
    BranchQuery,
    Change,
    Conversation,
    Item,
    ListQuery,
    Owner,
)
from forebay.core.errors import InvalidRequestError, NotFoundError, PayloadTooLargeError
from forebay.store.conversations import searching
from forebay.store.conversations.rows import chained, conversation_of, conversation_row, depths, folded, item_row, plain
from forebay.store.conversations.rows import item_of as _item
from forebay.store.conversations.tables import CONVERSATIONS, ITEMS, RESPONSES
from forebay.store.conversations.tree import branch, count_of, depth_of, latest_leaf, siblings, with_siblings
from forebay.store.database import Database

INSERTED_AT_ONCE: Final = 500


class ConversationTable:
    """A `Conversations`."""

    def __init__(self, database: Database, bounds: Bounds) -> None:
        self._database = database
        self._bounds = bounds

    async def create(self, owner: Owner, conversation: Conversation, items: Sequence[Item]) -> Conversation:
        """A new one that holds ``items``, each with its parent."""
        size = bounded(self._bounds, items, 0, 0)
        made = msgspec.structs.replace(conversation, items=len(items), size=size)
        deep = depths(items)
        rows = [item_row(made.id, item, deep[item.id]) for item in items]
        async with self._database.changing() as connection:
            await connection.execute(insert(CONVERSATIONS).values(**conversation_row(owner, made)))
            await put(connection, rows)
        return made

    async def find(self, owner: Owner, identity: str) -> Conversation:
        """One of them."""
        async with self._database.reading() as connection:
            return await owned(connection, owner, identity)

    async def list(self, owner: Owner, query: ListQuery, limit: int) -> Sequence[Conversation]:
        """The first ``limit`` that ``query`` means, the latest used first."""
        async with self._database.reading() as connection:
            return await searching.find(connection, owner, query, limit)

    async def change(self, owner: Owner, identity: str, change: Change) -> Conversation:
        """Change one."""
        async with self._database.changing() as connection:
            await owned(connection, owner, identity, hold=True)
            values: dict[str, Any] = {}
            if change.title is not None:
                title = plain(change.title)
                values |= {"title": title, "titled": "user", "words": folded(title)}
            if change.metadata is not None:
                values["metadata"] = msgspec.json.encode(change.metadata).decode()
            if change.current is not None:
                leaf = await latest_leaf(connection, identity, change.current)
                if leaf is None:
                    raise InvalidRequestError("'current_item' is no item of this conversation.", param="current_item")
                values["leaf"] = leaf
            if values:
                await set_on(connection, identity, **values)
            return await owned(connection, owner, identity)

    async def retitle(self, identity: str, title: str) -> None:
        """Give one the title of a model's, unless its owner has given it another."""
        title = plain(title)
        named = update(CONVERSATIONS).where(CONVERSATIONS.c.id == identity, CONVERSATIONS.c.titled != "user")
        async with self._database.changing() as connection:
            await connection.execute(named.values(title=title, titled="model", words=folded(title)))

    async def delete(self, owner: Owner, identity: str) -> None:
        """Delete one with all that is in it."""
        async with self._database.changing() as connection:
            await owned(connection, owner, identity, hold=True)
            await erase(connection, [identity])

    async def add(self, owner: Owner, identity: str, items: Sequence[Item], parent: str | None) -> Sequence[Item]:
        """Let ``items`` follow, one the other, after ``parent`` (``None``: where it is now)."""
        async with self._database.changing() as connection:
            found = await owned(connection, owner, identity, hold=True)
            after = found.leaf if parent is None else parent
            added = await follow(connection, self._bounds, found, items, after)
            return with_siblings(added, await siblings(connection, identity))

    async def branch(self, owner: Owner, identity: str, query: BranchQuery) -> Sequence[Item]:
        """The items of one branch, with their siblings."""
        async with self._database.reading() as connection:
            found = await owned(connection, owner, identity)
            leaf = found.leaf if query.leaf is None else query.leaf
            if query.leaf and await depth_of(connection, identity, leaf) is None:
                raise InvalidRequestError("'leaf' is no item of this conversation.", param="leaf")
            items = await branch(connection, identity, leaf, query)
            return with_siblings(items, await siblings(connection, identity))

    async def tree(self, owner: Owner, identity: str) -> Sequence[Item]:
        """All items of all branches, parents before children."""
        wanted = select(ITEMS).where(ITEMS.c.conversation == identity)
        async with self._database.reading() as connection:
            await owned(connection, owner, identity)
            rows = (await connection.execute(wanted.order_by(ITEMS.c.depth, ITEMS.c.created, ITEMS.c.id))).mappings()
            return with_siblings([_item(row) for row in rows], await siblings(connection, identity))

    async def item(self, owner: Owner, identity: str, item: str) -> Item:
        """One item."""
        async with self._database.reading() as connection:
            await owned(connection, owner, identity)
            found = _item(await _row(connection, identity, item))
            return with_siblings([found], await siblings(connection, identity))[0]

    async def items(self, owner: Owner, names: Sequence[str]) -> Mapping[str, Item]:
        """Items of whatever conversations, as far as they are there."""
        wanted = (
            select(ITEMS)
            .join(CONVERSATIONS, CONVERSATIONS.c.id == ITEMS.c.conversation)
            .where(ITEMS.c.id.in_(names), CONVERSATIONS.c.tenant == owner.tenant, CONVERSATIONS.c.owner == owner.name)
        )
        async with self._database.reading() as connection:
            return {row["id"]: _item(row) for row in (await connection.execute(wanted)).mappings()}

    async def remove(self, owner: Owner, identity: str, item: str) -> Conversation:
        """Delete one item; what followed it follows its parent."""
        async with self._database.changing() as connection:
            await owned(connection, owner, identity, hold=True)
            found = _item(await _row(connection, identity, item))
            await cut_out(connection, identity, found)
            return await owned(connection, owner, identity)


async def owned(connection: AsyncConnection, owner: Owner, identity: str, *, hold: bool = False) -> Conversation:
    """A conversation of ``owner``'s; nobody else may change it until the transaction ends, if it is to be held.

    Raises:
        NotFoundError: there is none.
    """
    table = CONVERSATIONS.c
    wanted = select(CONVERSATIONS).where(
        table.id == identity, table.tenant == owner.tenant, table.owner == owner.name, table.listed
    )
    row = (await connection.execute(wanted.with_for_update() if hold else wanted)).mappings().first()
    if row is None:
        raise NotFoundError(f"There is no conversation '{identity[:80]}' of yours.", param="conversation")
    return conversation_of(row)


async def follow(
    connection: AsyncConnection, bounds: Bounds, conversation: Conversation, items: Sequence[Item], parent: str
) -> list[Item]:
    """Let ``items`` follow ``parent``; the conversation is then at the last one.

    Raises:
        InvalidRequestError: there is no such parent.
        PayloadTooLargeError: it would hold more than it may.
    """
    depth = await depth_of(connection, conversation.id, parent)
    if depth is None:
        raise InvalidRequestError("'parent' is no item of this conversation.", param="conversation.parent")
    size = bounded(bounds, items, conversation.items, conversation.size)
    found, rows = chained(conversation.id, items, parent, depth)
    await put(connection, rows)
    table = CONVERSATIONS.c
    await set_on(
        connection,
        conversation.id,
        leaf=items[-1].id if items else parent,
        items=count_of(conversation.id),
        size=table.size + size,
        updated=time.time(),
    )
    return found


def bounded(bounds: Bounds, items: Sequence[Item], count: int, size: int) -> int:
    """How many bytes ``items`` take, which come to a conversation of ``count`` items and ``size`` bytes.

    Raises:
        PayloadTooLargeError: more than they may.
    """
    sizes = [item.size for item in items]
    if sizes and max(sizes) > bounds.item:
        raise PayloadTooLargeError(
            f"An item has {max(sizes)} bytes; a conversation keeps items of up to {bounds.item} "
            "(store.conversations.max_item): shorten it, or have the limit raised.",
            param="input",
        )
    if count + len(items) > bounds.items or size + sum(sizes) > bounds.size:
        raise PayloadTooLargeError(
            f"This conversation is full: it may have {bounds.items} items and {bounds.size} bytes "
            "(store.conversations.max_items, store.conversations.max_size). Begin a new one.",
            param="conversation",
        )
    return sum(sizes)


async def put(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of items."""
    for first in range(0, len(rows), INSERTED_AT_ONCE):
        await connection.execute(insert(ITEMS), rows[first : first + INSERTED_AT_ONCE])


async def set_on(connection: AsyncConnection, identity: str, **values: Any) -> None:  # noqa: ANN401  # SQL as well
    """Change a conversation's row."""
    await connection.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == identity).values(**values))


async def erase(connection: AsyncConnection, identities: Sequence[str]) -> None:
    """Delete conversations; items last, so that what a response is just adding goes too."""
    await connection.execute(delete(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(identities)))
    await connection.execute(delete(RESPONSES).where(RESPONSES.c.conversation.in_(identities)))
    await connection.execute(delete(ITEMS).where(ITEMS.c.conversation.in_(identities)))


async def cut_out(connection: AsyncConnection, conversation: str, item: Item) -> None:
    """Delete an item; its parent takes its place wherever it was named."""
    here = ITEMS.c.conversation == conversation
    await connection.execute(update(ITEMS).where(here, ITEMS.c.parent == item.id).values(parent=item.parent))
    for column in (RESPONSES.c.base, RESPONSES.c.leaf):
        named = update(RESPONSES).where(RESPONSES.c.conversation == conversation, column == item.id)
        await connection.execute(named.values({column.name: item.parent}))
    await connection.execute(delete(ITEMS).where(here, ITEMS.c.id == item.id))
    table = CONVERSATIONS.c
    await set_on(connection, conversation, items=table["items"] - 1, size=table.size - item.size)
    left = update(CONVERSATIONS).where(table.id == conversation, table.leaf == item.id)
    await connection.execute(left.values(leaf=item.parent))


async def _row(connection: AsyncConnection, conversation: str, item: str) -> RowMapping:
    wanted = select(ITEMS).where(ITEMS.c.conversation == conversation, ITEMS.c.id == item)
    row = (await connection.execute(wanted)).mappings().first()
    if row is None:
        raise NotFoundError(f"There is no item '{item[:80]}' in this conversation.", param="item_id")
    return row
