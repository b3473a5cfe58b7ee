"""Conversations, their items, responses, feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their tables."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("titled", sa.String, nullable=False),
        sa.Column("leaf", sa.String, nullable=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_index("conversations_by_owner", "conversations", ["tenant", "owner", "listed", "updated", "id"])
    op.create_index("conversations_by_time", "conversations", ["updated"])
    op.create_table(
        "conversation_items",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("parent", sa.String, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("response", sa.String, nullable=False),
        sa.Column("output", sa.Boolean, nullable=False),
        sa.Column("request", sa.String),
        sa.Column("model", sa.String),
        sa.Column("deployment", sa.String),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("cost", sa.BigInteger),
        sa.Column("ttft", sa.Double),
        sa.Column("seconds", sa.Double),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_index("items_by_conversation", "conversation_items", ["conversation", "parent"])
    op.create_index("items_by_response", "conversation_items", ["response"])
    op.create_table(
        "responses",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("touched", sa.Double, nullable=False),
        sa.Column("process", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("base", sa.String, nullable=False),
        sa.Column("leaf", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("responses_by_conversation", "responses", ["conversation"])
    op.create_index("responses_by_status", "responses", ["status", "touched"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("rating", sa.String),
        sa.Column("score", sa.Double),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("correction", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
    )
    op.create_index("feedback_by_target", "feedback", ["tenant", "principal", "target"], unique=True)
    op.create_index("feedback_by_time", "feedback", ["created", "id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("feedback", "responses", "conversation_items", "conversations"):
        op.drop_table(table)
