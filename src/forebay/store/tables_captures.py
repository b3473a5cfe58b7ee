"""The table of captured bodies."""

from sqlalchemy import BigInteger, Column, Double, Index, LargeBinary, String, Table

from forebay.store.tables import METADATA

CAPTURES = Table(
    "captures",
    METADATA,
    Column("id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("tenant", String, nullable=False),
    Column("principal", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("model", String, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("captures_by_time", "at", "id"),
    Index("captures_by_tenant", "tenant", "at"),
)
"""A row for each captured request; ``size`` is that of both bodies."""
