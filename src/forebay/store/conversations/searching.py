"""The list of conversations: the latest used first, page by page, with a text that stands in them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forebay.core.conversations import Conversation, ListQuery, Owner
from forebay.core.errors import InvalidRequestError
from forebay.store.conversations.rows import conversation_of, folded
from forebay.store.conversations.tables import CONVERSATIONS, ITEMS
from forebay.store.statements import latest

columns = CONVERSATIONS.c


async def find(connection: AsyncConnection, owner: Owner, query: ListQuery, limit: int) -> Sequence[Conversation]:
    """The first ``limit`` conversations of ``owner`` that ``query`` means.

    Raises:
        InvalidRequestError: ``query.after`` is none of them.
    """
    mine = select(CONVERSATIONS).where(columns.tenant == owner.tenant, columns.owner == owner.name, columns.listed)
    wanted = mine.where(columns.updated >= query.since, columns.updated < query.until)
    if query.text:
        wanted = _with_text(wanted, folded(query.text))
    seen = None
    if query.after:
        last = (await connection.execute(mine.where(columns.id == query.after))).mappings().first()
        if last is None:
            raise InvalidRequestError("'after' is no conversation of yours: begin again without it.", param="after")
        seen = last["updated"], last["id"]
    ordered = latest(wanted, columns.updated, columns.id, seen, limit)
    return [conversation_of(row) for row in (await connection.execute(ordered)).mappings()]


def _with_text(wanted: Select[Any], text: str) -> Select[Any]:
    said = exists().where(ITEMS.c.conversation == columns.id, _contains(ITEMS.c.words, text))
    return wanted.where(or_(_contains(columns.words, text), said))


def _contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    return column.contains(text, autoescape=True)
