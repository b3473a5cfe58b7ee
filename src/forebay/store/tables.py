"""The one schema, for every database. A change of it is a new file in ``migrations/versions`` as well."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

USAGE = Table(
    "usage",
    METADATA,
    Column("row", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("principal", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("model", String, nullable=False),
    Column("deployment", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("cost", BigInteger),
    Column("latency", Double, nullable=False),
    Column("ttft", Double),
    Column("details", Text, nullable=False),
    Column("prompt", String, nullable=False, server_default=""),
    Index("usage_by_time", "at", "id"),
    Index("usage_by_tenant", "tenant", "at"),
    Index("usage_by_id", "id"),
)
"""A row for every ended call; a request may have several. ``details`` is JSON: what a `Record` holds besides."""

KEYS = Table(
    "keys",
    METADATA,
    Column("id", String, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("details", Text, nullable=False),
    Index("keys_by_tenant", "tenant"),
)
"""API keys; ``details`` is JSON: what an `IssuedKey` holds besides. The digest is an HMAC, never the key."""

VERSIONS = Table(
    "versions",
    METADATA,
    Column("name", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""Counts the changes of what processes keep in memory, so that asking for one number tells whether to read anew."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("principal", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("details", Text, nullable=False),
    Index("audit_by_time", "at", "id"),
)
"""Who changed what, and when."""
