"""Responses: what is said is kept first, what comes as it comes, and the whole before its client has the end."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.core.conversations import (
    START,
    Bounds,
    BranchQuery,
    Conversation,
    Ending,
    Item,
    Opened,
    Opening,
    Owner,
    Progress,
    StoredResponse,
)
from forebay.core.errors import NotFoundError
from forebay.store.conversations.process import Process
from forebay.store.conversations.rows import chained, conversation_of, conversation_row, folded, item_of, response_of
from forebay.store.conversations.table import cut_out, erase, follow, owned, set_on
from forebay.store.conversations.tables import CONVERSATIONS, ITEMS, RESPONSES
from forebay.store.conversations.tree import answered, branch, count_of, depth_of, latest_leaf, siblings, with_siblings
from forebay.store.database import Database
from forebay.store.statements import inserting

ALIVE: Final = 15.0
"""Who has not said for so many seconds that a response goes on is dead."""

DELETED_AT_ONCE: Final = 100

_KEPT: Final = ("status", "fields", "details", "words", "request", "model", "deployment")
_COUNTED: Final = ("input_tokens", "output_tokens", "cost", "ttft", "seconds")


class ResponseTable:
    """A `Responses`; ``alive`` is how long a process may be silent."""

    def __init__(self, database: Database, bounds: Bounds, alive: float = ALIVE) -> None:
        self._database = database
        self._bounds = bounds
        self._alive = alive
        self._process = Process()

    async def begin(self, owner: Owner, opening: Opening) -> Opened:
        """Keep what is said, and tell what was said before."""
        async with self._database.changing() as connection:
            found, base = await self._place(connection, owner, opening)
            history = await branch(connection, found.id, base, BranchQuery())
            said = [msgspec.structs.replace(item, response=opening.response) for item in opening.items]
            again = not said and await answered(connection, found.id, base)
            await follow(connection, self._bounds, found, said, base)
            response = {
                "id": opening.response,
                "tenant": owner.tenant,
                "owner": owner.name,
                "conversation": found.id,
                "created": opening.created,
                "touched": time.time(),
                "process": self._process.name,
                "model": opening.model[:256],
                "status": "in_progress",
                "base": base,
                "leaf": said[-1].id if said else base,
                "body": "{}",
            }
            await connection.execute(insert(RESPONSES).values(**response))
            if found.listed and not found.titled and opening.title:
                words = {"title": opening.title, "titled": "words", "words": folded(opening.title)}
                await set_on(connection, found.id, **words)
                found = msgspec.structs.replace(found, titled="words", title=opening.title)
        return Opened(found, history, again)

    async def history(self, owner: Owner, response: str) -> Sequence[Item]:
        """What was said up to the end of a response."""
        async with self._database.reading() as connection:
            found = await _owned(connection, owner, response)
            return await branch(connection, found.conversation, found.leaf, BranchQuery())

    async def progress(self, all_of_them: Sequence[Progress]) -> None:
        """Keep what there is of responses, and that they are alive."""
        async with self._database.changing() as connection:
            trees = await _trees(connection, [each.response for each in all_of_them])
            # Whoever holds several trees takes them in one order: two who wait for each other would wait for ever.
            for each in sorted(all_of_them, key=lambda each: trees.get(each.response, "")):
                found = await _touched(connection, each.response, {})
                if found is not None and found.status == "in_progress" and each.items:
                    await self._keep(connection, found, each.items)

    async def end(self, ending: Ending) -> None:
        """Keep the whole."""
        body = msgspec.json.encode(ending.body).decode()
        async with self._database.changing() as connection:
            found = await _touched(connection, ending.response, {"status": ending.status, "body": body})
            if found is None:  # deleted meanwhile, with its conversation
                return
            items = await self._keep(connection, found, ending.items)
            size = sum(item.size for item in items)
            last = items[-1].id if items else found.leaf
            if items:
                await connection.execute(update(RESPONSES).where(RESPONSES.c.id == found.id).values(leaf=last))
            table = CONVERSATIONS.c
            await set_on(
                connection,
                found.conversation,
                items=count_of(found.conversation),
                size=table.size + size,
                updated=time.time(),
            )

    async def withdraw(self, response: str) -> None:
        """Forget a response that never was, and what was said for it."""
        async with self._database.changing() as connection:
            found = await _touched(connection, response, {})
            if found is None:
                return
            await _erase(connection, found)
            back = await latest_leaf(connection, found.conversation, found.base)
            table = CONVERSATIONS.c
            left = update(CONVERSATIONS).where(table.id == found.conversation, table.leaf == found.base)
            await connection.execute(left.values(leaf=back or found.base))

    async def find(self, owner: Owner, response: str) -> tuple[StoredResponse, Sequence[Item]]:
        """A response and its output."""
        wanted = select(ITEMS).where(ITEMS.c.response == response, ITEMS.c.output).order_by(ITEMS.c.depth)
        async with self._database.reading() as connection:
            found = await _owned(connection, owner, response)
            return found, [item_of(row) for row in (await connection.execute(wanted)).mappings()]

    async def inputs(self, owner: Owner, response: str, query: BranchQuery) -> Sequence[Item]:
        """What it was generated from."""
        async with self._database.reading() as connection:
            found = await _owned(connection, owner, response)
            last = await connection.scalar(
                select(ITEMS.c.id)
                .where(ITEMS.c.response == response, ITEMS.c.output.is_(False))
                .order_by(ITEMS.c.depth.desc())
                .limit(1)
            )
            items = await branch(connection, found.conversation, last or found.base, query)
            return with_siblings(items, await siblings(connection, found.conversation))

    async def delete(self, owner: Owner, response: str) -> None:
        """Delete one, and its items unless they are in a conversation that is listed."""
        async with self._database.changing() as connection:
            found = await _owned(connection, owner, response)
            tree = select(CONVERSATIONS).where(CONVERSATIONS.c.id == found.conversation)
            row = (await connection.execute(tree.with_for_update())).mappings().one()
            if row["listed"]:
                await connection.execute(delete(RESPONSES).where(RESPONSES.c.id == response))
            else:
                await _erase(connection, found)

    async def mend(self) -> int:
        """Mark what dead processes left as incomplete; how many responses that were."""
        running = select(RESPONSES).where(RESPONSES.c.status == "in_progress")
        async with self._database.reading() as connection:
            found = [response_of(row) for row in (await connection.execute(running)).mappings()]
        names = [each.id for each in found if self._is_dead(each)]
        if not names:
            return 0
        dead = (RESPONSES.c.status == "in_progress", RESPONSES.c.id.in_(names))
        async with self._database.changing() as connection:
            mended = update(RESPONSES).where(*dead).values(status="incomplete")
            count = (await connection.execute(mended)).rowcount
            ended = select(RESPONSES.c.id).where(RESPONSES.c.id.in_(names), RESPONSES.c.status == "incomplete")
            left = (ITEMS.c.status == "in_progress", ITEMS.c.response.in_(ended))
            await connection.execute(update(ITEMS).where(*left).values(status="incomplete"))
        return count

    async def forget(self, before: float) -> int:
        """Delete some conversations that were last used before a moment; how many."""
        old = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.updated < before).limit(DELETED_AT_ONCE)
        async with self._database.changing() as connection:
            names = list((await connection.execute(old)).scalars())
            if names:
                await erase(connection, names)
        return len(names)

    async def _place(self, connection: AsyncConnection, owner: Owner, opening: Opening) -> tuple[Conversation, str]:
        """The tree in which a response belongs, and the item that it goes on after."""
        if opening.conversation:
            found = await owned(connection, owner, opening.conversation, hold=True)
            if opening.parent is not None:
                return found, opening.parent
            return found, await self._current(connection, found)
        if opening.previous:
            before = await _owned(connection, owner, opening.previous)
            wanted = select(CONVERSATIONS).where(CONVERSATIONS.c.id == before.conversation)
            row = (await connection.execute(wanted.with_for_update())).mappings().one()
            return conversation_of(row), before.leaf
        made = Conversation(f"tree_{opening.response}", opening.created, opening.created, listed=False)
        await connection.execute(insert(CONVERSATIONS).values(**conversation_row(owner, made)))
        return made, START

    async def _current(self, connection: AsyncConnection, found: Conversation) -> str:
        """Where a conversation is; before the response that somebody else waits for just now, if there is one."""
        wanted = (
            select(RESPONSES)
            .join(ITEMS, ITEMS.c.response == RESPONSES.c.id)
            .where(ITEMS.c.id == found.leaf, RESPONSES.c.status == "in_progress")
        )
        row = (await connection.execute(wanted)).mappings().first()
        if row is None or self._is_dead(running := response_of(row)):
            return found.leaf
        return running.base

    def _is_dead(self, running: StoredResponse) -> bool:
        silent = running.touched < time.time() - self._alive
        return silent or self._process.knows_dead(running.process)

    async def _keep(self, connection: AsyncConnection, found: StoredResponse, items: Sequence[Item]) -> list[Item]:
        """Keep some of the output of a response, from the first item on; the conversation is there, if it was there."""
        last = await connection.scalar(
            select(ITEMS.c.id)
            .where(ITEMS.c.response == found.id, ITEMS.c.output.is_(False))
            .order_by(ITEMS.c.depth.desc())
            .limit(1)
        )
        parent = last or found.base
        depth = await depth_of(connection, found.conversation, parent)
        kept, rows = chained(found.conversation, items, parent, depth or 0)
        await _upsert(connection, rows)
        if kept:
            mine = [parent, *(item.id for item in kept)]
            here = update(CONVERSATIONS).where(CONVERSATIONS.c.id == found.conversation, CONVERSATIONS.c.leaf.in_(mine))
            await connection.execute(here.values(leaf=kept[-1].id))
        return kept


async def _owned(connection: AsyncConnection, owner: Owner, response: str) -> StoredResponse:
    table = RESPONSES.c
    wanted = select(RESPONSES).where(table.id == response, table.tenant == owner.tenant, table.owner == owner.name)
    row = (await connection.execute(wanted)).mappings().first()
    if row is None:
        raise NotFoundError(f"There is no response '{response[:80]}' of yours.", param="response_id")
    return response_of(row)


async def _trees(connection: AsyncConnection, responses: Sequence[str]) -> Mapping[str, str]:
    wanted = select(RESPONSES.c.id, RESPONSES.c.conversation).where(RESPONSES.c.id.in_(responses))
    return {row.id: row.conversation for row in await connection.execute(wanted)}


async def _touched(connection: AsyncConnection, response: str, values: Mapping[str, Any]) -> StoredResponse | None:
    """A response that is there, and its tree, held until the transaction ends; ``None`` if it was deleted."""
    named = RESPONSES.c.id == response
    tree = select(RESPONSES.c.conversation).where(named).scalar_subquery()
    await connection.execute(select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.id == tree).with_for_update())
    await connection.execute(update(RESPONSES).where(named).values(touched=time.time(), **values))
    row = (await connection.execute(select(RESPONSES).where(named))).mappings().first()
    return None if row is None else response_of(row)


async def _erase(connection: AsyncConnection, found: StoredResponse) -> None:
    """Delete a response and its items; the tree as well, if nothing is left in it."""
    await connection.execute(delete(RESPONSES).where(RESPONSES.c.id == found.id))
    wanted = select(ITEMS).where(ITEMS.c.response == found.id).order_by(ITEMS.c.depth.desc())
    for row in (await connection.execute(wanted)).mappings().all():
        await cut_out(connection, found.conversation, item_of(row))
    left = select(func.count()).where(ITEMS.c.conversation == found.conversation)
    tree = select(CONVERSATIONS.c.listed).where(CONVERSATIONS.c.id == found.conversation)
    if not await connection.scalar(left) and not await connection.scalar(tree):
        await erase(connection, [found.conversation])


async def _upsert(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    on = inserting(connection, ITEMS)
    new = {name: on.excluded[name] for name in (*_KEPT, *_COUNTED)}
    await connection.execute(on.on_conflict_do_update(index_elements=["id"], set_=new), rows)
