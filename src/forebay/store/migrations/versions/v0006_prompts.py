"""Prompts and their labels; the prompt of each row of usage."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and the column."""
    op.create_table(
        "prompts",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("draft", sa.Text, nullable=False),
    )
    op.create_table(
        "prompt_labels",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("shares", sa.Text, nullable=False),
    )
    versions = sa.table("versions", sa.column("name", sa.String), sa.column("number", sa.BigInteger))
    op.bulk_insert(versions, [{"name": "prompts", "number": 0}])
    op.add_column("usage", sa.Column("prompt", sa.String, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("usage", "prompt")
    op.execute("DELETE FROM versions WHERE name = 'prompts'")
    for table in ("prompt_labels", "prompts"):
        op.drop_table(table)
