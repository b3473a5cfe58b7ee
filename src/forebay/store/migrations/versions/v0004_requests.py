"""Requests are found by their ids."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the rows of usage by the ids of requests."""
    op.create_index("usage_by_id", "usage", ["id"])


def downgrade() -> None:
    """Find them by reading all rows."""
    op.drop_index("usage_by_id", "usage")
