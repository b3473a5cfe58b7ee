"""The tables of conversations: an item is a row, and knows its parent."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, String, Table, Text

from forebay.store.tables import METADATA

CONVERSATIONS = Table(
    "conversations",
    METADATA,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("title", String, nullable=False),
    Column("titled", String, nullable=False),
    Column("leaf", String, nullable=False),
    Column("items", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("words", Text, nullable=False),
    Index("conversations_by_owner", "tenant", "owner", "listed", "updated", "id"),
    Index("conversations_by_time", "updated"),
)
"""A conversation, or the tree of responses without one (not ``listed``); ``words`` is the title for searching."""

ITEMS = Table(
    "conversation_items",
    METADATA,
    Column("id", String, primary_key=True),
    Column("conversation", String, nullable=False),
    Column("parent", String, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("created", Double, nullable=False),
    Column("type", String, nullable=False),
    Column("role", String, nullable=False),
    Column("status", String, nullable=False),
    Column("response", String, nullable=False),
    Column("output", Boolean, nullable=False),
    Column("request", String),
    Column("model", String),
    Column("deployment", String),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cost", BigInteger),
    Column("ttft", Double),
    Column("seconds", Double),
    Column("fields", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("words", Text, nullable=False),
    Index("items_by_conversation", "conversation", "parent"),
    Index("items_by_response", "response"),
)
"""A message, a call, its output or reasoning. ``fields`` and ``details`` are JSON: what OpenAI's item has besides, and
what `Facts` has. ``words`` is the text for searching.
"""

RESPONSES = Table(
    "responses",
    METADATA,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("created", Double, nullable=False),
    Column("touched", Double, nullable=False),
    Column("process", String, nullable=False),
    Column("model", String, nullable=False),
    Column("status", String, nullable=False),
    Column("base", String, nullable=False),
    Column("leaf", String, nullable=False),
    Column("body", Text, nullable=False),
    Index("responses_by_conversation", "conversation"),
    Index("responses_by_status", "status", "touched"),
)
"""What was asked for once. Its output is in the items; ``touched`` is when its ``process`` last said that it lives."""

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", String, primary_key=True),
    Column("created", Double, nullable=False),
    Column("tenant", String, nullable=False),
    Column("principal", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("target", String, nullable=False),
    Column("rating", String),
    Column("score", Double),
    Column("comment", Text, nullable=False),
    Column("correction", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Index("feedback_by_target", "tenant", "principal", "target", unique=True),
    Index("feedback_by_time", "created", "id"),
)
"""What a principal thought of an answer; the last word about each counts. ``labels`` is JSON."""
