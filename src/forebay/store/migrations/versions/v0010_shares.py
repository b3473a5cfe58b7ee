"""Links that show something to whoever has them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their table."""
    op.create_table(
        "shares",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("leaf", sa.String, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("page", sa.LargeBinary, nullable=False),
    )
    op.create_index("shares_by_owner", "shares", ["tenant", "owner"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("shares")
