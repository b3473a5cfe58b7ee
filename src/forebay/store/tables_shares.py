"""The table of links that show something to whoever has them."""

from sqlalchemy import Column, Double, Index, LargeBinary, String, Table, Text

from forebay.store.tables import METADATA

SHARES = Table(
    "shares",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("tenant", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("what", String, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("conversation", String, nullable=False),
    Column("leaf", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("page", LargeBinary, nullable=False),
    Index("shares_by_owner", "tenant", "owner"),
)
"""``digest`` is SHA-256 of the link's token, which is kept nowhere."""
