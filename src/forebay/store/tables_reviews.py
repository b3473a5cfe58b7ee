"""The tables of answers to review, and of how far they have been searched for."""

from sqlalchemy import Boolean, Column, Double, Index, String, Table, Text

from forebay.store.tables import METADATA

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("tenant", String, nullable=False),
    Column("principal", String, nullable=False),
    Column("model", String, nullable=False),
    Column("prompt", String, nullable=False),
    Column("thumbs_down", Boolean, nullable=False),
    Column("guard", Boolean, nullable=False),
    Column("sample", Boolean, nullable=False),
    Column("labels", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("correction", Text, nullable=False),
    Column("reviewer", String, nullable=False),
    Column("labelled", Double),
    Index("reviews_by_time", "at", "id"),
    Index("reviews_by_tenant", "tenant", "at"),
)
"""A row for each request whose answer is to be reviewed; a column for each reason. ``labels`` is JSON."""

REVIEW_MARKS = Table(
    "review_marks",
    METADATA,
    Column("name", String, primary_key=True),
    Column("at", Double, nullable=False),
)
"""Up to which moment ``rows`` of the ledger and ``feedback`` have been searched."""
