"""Feedback: the last word of each principal about each answer."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import RowMapping, delete, select

from forebay.core.errors import InvalidRequestError, NotFoundError
from forebay.core.feedback import Feedback, FeedbackQuery
from forebay.store.conversations.rows import plain
from forebay.store.conversations.tables import FEEDBACK
from forebay.store.database import Database
from forebay.store.statements import inserting, latest

columns = FEEDBACK.c


class FeedbackTable:
    """A `FeedbackBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, feedback: Feedback) -> Feedback:
        """Keep it in place of what the same principal said of the same answer."""
        row = _row(feedback)
        said = (columns.tenant == feedback.tenant, columns.principal == feedback.principal)
        async with self._database.changing() as connection:
            new = inserting(connection, FEEDBACK)
            values = {name: new.excluded[name] for name in row if name not in {"id", "tenant", "principal", "target"}}
            by_target = ["tenant", "principal", "target"]
            await connection.execute(new.on_conflict_do_update(index_elements=by_target, set_=values), [row])
            wanted = select(FEEDBACK).where(*said, columns.target == row["target"])
            return _feedback((await connection.execute(wanted)).mappings().one())

    async def list(self, query: FeedbackQuery, limit: int) -> Sequence[Feedback]:
        """The first ``limit`` rows, the latest first."""
        wanted = select(FEEDBACK)
        for name in ("tenant", "principal", "target", "rating"):
            if (value := getattr(query, name)) is not None:
                wanted = wanted.where(columns[name] == value)
        async with self._database.reading() as connection:
            seen = None
            if query.after:
                place = select(columns.created, columns.id).where(columns.id == query.after)
                seen = (await connection.execute(place)).first()
                if seen is None:
                    raise InvalidRequestError("'after' is no feedback: begin again without it.", param="after")
            ordered = latest(wanted, columns.created, columns.id, seen, limit)
            return [_feedback(row) for row in (await connection.execute(ordered)).mappings()]

    async def delete(self, tenant: str, principal: str, identity: str) -> None:
        """Take it back."""
        mine = (columns.id == identity, columns.tenant == tenant, columns.principal == principal)
        async with self._database.changing() as connection:
            done = await connection.execute(delete(FEEDBACK).where(*mine))
            if not done.rowcount:
                raise NotFoundError(f"There is no feedback '{identity[:80]}' of yours.")


def _row(feedback: Feedback) -> dict[str, Any]:
    fields = msgspec.structs.asdict(feedback)
    texts = {name: plain(fields[name]) for name in ("target", "comment", "correction")}
    return {**fields, **texts, "labels": msgspec.json.encode(feedback.labels).decode()}


def _feedback(row: RowMapping) -> Feedback:
    fields = {name: row[name] for name in Feedback.__struct_fields__}
    return msgspec.convert({**fields, "labels": msgspec.json.decode(row["labels"])}, Feedback)
