"""The tables of prompts: every version of each, and the labels. Versions are only ever added."""

from sqlalchemy import Column, Double, Integer, String, Table, Text

from forebay.store.tables import METADATA

PROMPTS = Table(
    "prompts",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("created", Double, nullable=False),
    Column("author", String, nullable=False),
    Column("draft", Text, nullable=False),
)
"""``draft`` is JSON: a `core.prompts.Draft`."""

PROMPT_LABELS = Table(
    "prompt_labels",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("shares", Text, nullable=False),
)
"""``shares`` is JSON: weights by version."""
