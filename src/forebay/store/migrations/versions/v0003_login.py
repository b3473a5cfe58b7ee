"""Sessions of browsers, and keys that sign tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("ends", sa.Double, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_index("sessions_by_name", "sessions", ["origin", "name"])
    op.create_index("sessions_by_end", "sessions", ["ends"])
    op.create_table(
        "signing_keys",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kid", sa.String, nullable=False),
        sa.Column("starts", sa.Double, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("signing_keys")
    op.drop_table("sessions")
