"""Bodies of requests that were captured, and how long they are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their table."""
    op.create_table(
        "captures",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("reply", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_index("captures_by_time", "captures", ["at", "id"])
    op.create_index("captures_by_tenant", "captures", ["tenant", "at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("captures")
