"""The tables of answers to review: each request once, with every reason that was found for it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import RowMapping, or_, select, update

from forebay.core.reviews import REASONS, Mark, Review, ReviewQuery, Verdict
from forebay.store.database import Database
from forebay.store.statements import alike, inserting, latest
from forebay.store.storable import storable
from forebay.store.tables_reviews import REVIEW_MARKS, REVIEWS

_FOUND = ("id", "at", "tenant", "principal", "model", "prompt")

columns = REVIEWS.c


class ReviewTable:
    """A `ReviewBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self) -> Mark:
        """How far the search has come."""
        async with self._database.reading() as connection:
            found = {row.name: row.at for row in await connection.execute(select(REVIEW_MARKS))}
        return Mark(**found)

    async def add(self, found: Sequence[Review], mark: Mark) -> None:
        """Add rows, and reasons to those that are there."""
        async with self._database.changing() as connection:
            if found:
                new = inserting(connection, REVIEWS)
                reasons = {name: or_(columns[name], new.excluded[name]) for name in REASONS}
                rows = [_row(each) for each in found]
                await connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=reasons), rows)
            on = inserting(connection, REVIEW_MARKS)
            later = on.on_conflict_do_update(
                index_elements=["name"], set_={"at": on.excluded.at}, where=REVIEW_MARKS.c.at < on.excluded.at
            )
            marks = [{"name": name, "at": at} for name, at in msgspec.structs.asdict(mark).items()]
            await connection.execute(later, marks)

    async def list(self, query: ReviewQuery, limit: int) -> Sequence[Review]:
        """The first ``limit`` rows, the latest first."""
        wanted = alike(select(REVIEWS), REVIEWS, query, ("tenant", "model"))
        if query.labelled is not None:
            wanted = wanted.where(columns.labelled.is_not(None) if query.labelled else columns.labelled.is_(None))
        if query.reason is not None:
            wanted = wanted.where(columns[query.reason])
        ordered = latest(wanted, columns.at, columns.id, query.before, limit)
        async with self._database.reading() as connection:
            return [_review(row) for row in (await connection.execute(ordered)).mappings()]

    async def find(self, identity: str) -> Review | None:
        """One row."""
        wanted = select(REVIEWS).where(columns.id == storable(identity))
        async with self._database.reading() as connection:
            row = (await connection.execute(wanted)).mappings().first()
            return None if row is None else _review(row)

    async def label(self, identity: str, verdict: Verdict) -> None:
        """Write down what somebody made of it."""
        values = {
            "labels": _json(verdict.labels),
            "comment": _plain(verdict.comment),
            "correction": _plain(verdict.correction),
            "reviewer": storable(verdict.reviewer),
            "labelled": verdict.at,
        }
        async with self._database.changing() as connection:
            await connection.execute(update(REVIEWS).where(columns.id == storable(identity)).values(**values))


def _row(review: Review) -> dict[str, Any]:
    return {
        **{name: storable(getattr(review, name)) for name in _FOUND},
        **{name: name in review.reasons for name in REASONS},
        "labels": _json(review.labels),
        "comment": _plain(review.comment),
        "correction": _plain(review.correction),
        "reviewer": review.reviewer,
        "labelled": review.labelled,
    }


def _review(row: RowMapping) -> Review:
    fields = {name: row[name] for name in Review.__struct_fields__ if name not in {"reasons", "labels"}}
    labels = tuple(msgspec.json.decode(row["labels"], type=list[str]))
    return Review(**fields, reasons=tuple(name for name in REASONS if row[name]), labels=labels)


def _json(labels: Sequence[str]) -> str:
    return msgspec.json.encode([_plain(each) for each in labels]).decode()


def _plain(text: str) -> str:
    """``text`` without what PostgreSQL does not take."""
    return text.replace("\0", "\ufffd")
