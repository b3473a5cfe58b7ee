"""The tables of those who log in, and of the keys by which tokens for them are signed."""

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from forebay.store.tables import METADATA

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("origin", String, nullable=False),
    Column("name", String, nullable=False),
    Column("seen", Double, nullable=False),
    Column("ends", Double, nullable=False),
    Column("details", Text, nullable=False),
    Index("sessions_by_name", "origin", "name"),
    Index("sessions_by_end", "ends"),
)
"""Sessions of browsers; ``details`` is JSON: what a `Session` holds besides. The digest is a hash, never the id."""

SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kid", String, nullable=False),
    Column("starts", Double, nullable=False),
    Column("sealed", Text, nullable=False),
)
"""Private keys, encrypted under a secret that is not in the database."""

REVOCATIONS = Table(
    "revocations",
    METADATA,
    Column("id", String, primary_key=True),
    Column("ends", Double, nullable=False),
    Index("revocations_by_end", "ends"),
)
"""Tokens that are good no more, by their ``jti``, until they would have ended by themselves."""

PASSWORDS = Table(
    "passwords",
    METADATA,
    Column("name", String, primary_key=True),
    Column("hashed", Text, nullable=False),
    Column("created", Double, nullable=False),
)
"""Those that the server has made, by whose they are; Argon2id's hashes."""
