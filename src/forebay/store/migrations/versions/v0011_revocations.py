"""Tokens that were revoked before their end."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their table, and count its changes."""
    op.create_table(
        "revocations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("ends", sa.Double, nullable=False),
    )
    op.create_index("revocations_by_end", "revocations", ["ends"])
    versions = sa.table("versions", sa.column("name", sa.String), sa.column("number", sa.BigInteger))
    op.bulk_insert(versions, [{"name": "revocations", "number": 0}])


def downgrade() -> None:
    """Drop it."""
    op.execute("DELETE FROM versions WHERE name = 'revocations'")
    op.drop_table("revocations")
