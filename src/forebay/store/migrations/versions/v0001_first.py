"""The first schema: usage, keys, versions, audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "usage",
        sa.Column("row", sa.String, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("deployment", sa.String, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.BigInteger),
        sa.Column("latency", sa.Double, nullable=False),
        sa.Column("ttft", sa.Double),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_index("usage_by_time", "usage", ["at", "id"])
    op.create_index("usage_by_tenant", "usage", ["tenant", "at"])
    op.create_table(
        "keys",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double),
        sa.Column("revoked", sa.Double),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_index("keys_by_tenant", "keys", ["tenant"])
    versions = op.create_table(
        "versions",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(versions, [{"name": "keys", "number": 0}])
    op.create_table(
        "audit",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_index("audit_by_time", "audit", ["at", "id"])


def downgrade() -> None:
    """Drop every table."""
    for table in ("audit", "versions", "keys", "usage"):
        op.drop_table(table)
