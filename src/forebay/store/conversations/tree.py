"""The branches of a conversation's tree, in SQL that both databases know."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import CTE, ScalarSelect, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.core.conversations import START, BranchQuery, Item
from forebay.core.errors import InvalidRequestError
from forebay.store.conversations.rows import item_of
from forebay.store.conversations.tables import ITEMS

columns = ITEMS.c


async def branch(connection: AsyncConnection, conversation: str, leaf: str, query: BranchQuery) -> list[Item]:
    """What leads to ``leaf``, as far as ``query`` wants it, without siblings.

    Raises:
        InvalidRequestError: ``query.after`` is not on that branch.
    """
    way = _way(conversation, leaf)
    depth = columns.depth
    wanted = select(ITEMS).join(way, columns.id == way.c.id)
    if query.after:
        last = await connection.scalar(select(depth).join(way, columns.id == way.c.id).where(columns.id == query.after))
        if last is None:
            raise InvalidRequestError("'after' is no item of this branch: begin again without it.", param="after")
        wanted = wanted.where(depth < last if query.newest_first else depth > last)
    ordered = wanted.order_by(depth.desc() if query.newest_first else depth)
    if query.limit is not None:
        ordered = ordered.limit(query.limit)
    return [item_of(row) for row in (await connection.execute(ordered)).mappings()]


async def siblings(connection: AsyncConnection, conversation: str) -> Mapping[str, Sequence[str]]:
    """For each parent of more than one item: which ones, in the order in which they came."""
    forks = (
        select(columns.parent)
        .where(columns.conversation == conversation)
        .group_by(columns.parent)
        .having(func.count() > 1)
    )
    wanted = select(columns.parent, columns.id).where(columns.conversation == conversation, columns.parent.in_(forks))
    found: dict[str, list[str]] = {}
    for parent, identity in await connection.execute(wanted.order_by(columns.created, columns.id)):
        found.setdefault(parent, []).append(identity)
    return found


async def latest_leaf(connection: AsyncConnection, conversation: str, item: str) -> str | None:
    """The item below ``item`` (or itself) that came last; ``None`` if there is no such item."""
    first = _one(conversation, item).cte("below", recursive=True)
    below = first.union_all(
        select(columns.id, columns.parent, columns.depth, columns.created)
        .where(columns.conversation == conversation)
        .join(first, columns.parent == first.c.id)
    )
    last = select(below.c.id).order_by(below.c.created.desc(), below.c.depth.desc(), below.c.id).limit(1)
    return await connection.scalar(last)


async def depth_of(connection: AsyncConnection, conversation: str, item: str) -> int | None:
    """How deep an item is; ``None`` if it is not there."""
    if item == START:
        return 0
    found: int | None = await connection.scalar(
        select(columns.depth).where(columns.conversation == conversation, columns.id == item)
    )
    return found


async def answered(connection: AsyncConnection, conversation: str, item: str) -> bool:
    """Whether there is an answer to ``item``, as far as it came; also one that was not generated here."""
    below = select(columns.id).where(columns.conversation == conversation, columns.parent == item)
    answer = below.where(or_(columns.output, columns.role == "assistant")).limit(1)
    return await connection.scalar(answer) is not None


def count_of(conversation: str) -> ScalarSelect[int]:
    """How many items a conversation has, as part of a statement."""
    return select(func.count()).where(columns.conversation == conversation).scalar_subquery()


def _way(conversation: str, leaf: str) -> CTE:
    """The ids from ``leaf`` up to the first item."""
    first = _one(conversation, leaf).cte("way", recursive=True)
    return first.union_all(
        select(columns.id, columns.parent, columns.depth, columns.created).join(first, columns.id == first.c.parent)
    )


def _one(conversation: str, item: str) -> Select[Any]:
    return select(columns.id, columns.parent, columns.depth, columns.created).where(
        columns.id == item, columns.conversation == conversation
    )


def with_siblings(items: Sequence[Item], known: Mapping[str, Sequence[str]]) -> list[Item]:
    """``items``, each with what stands in its place."""
    return [
        msgspec.structs.replace(item, siblings=tuple(known[item.parent])) if item.parent in known else item
        for item in items
    ]
