"""Answers to review."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their tables."""
    op.create_table(
        "reviews",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("prompt", sa.String, nullable=False),
        sa.Column("thumbs_down", sa.Boolean, nullable=False),
        sa.Column("guard", sa.Boolean, nullable=False),
        sa.Column("sample", sa.Boolean, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("correction", sa.Text, nullable=False),
        sa.Column("reviewer", sa.String, nullable=False),
        sa.Column("labelled", sa.Double),
    )
    op.create_index("reviews_by_time", "reviews", ["at", "id"])
    op.create_index("reviews_by_tenant", "reviews", ["tenant", "at"])
    op.create_table(
        "review_marks",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("review_marks")
    op.drop_table("reviews")
