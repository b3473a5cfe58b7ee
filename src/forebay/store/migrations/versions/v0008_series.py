"""Usage over time, in cells of a minute and of an hour."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SUMS = (
    *("requests", "errors", "aborted", "prompt_tokens", "completion_tokens", "cached_tokens"),
    *("cache_hits", "cache_misses", "saved_tokens", "cost", "unpriced"),
)
_BUCKETS = 38


def upgrade() -> None:
    """Create the tables; they count what is recorded from now on."""
    op.create_table(
        "usage_series",
        *_key("deployment"),
        sa.Column("status", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS),
        *(
            sa.Column(f"{time}_{number}", sa.Integer, nullable=False)
            for time in ("ttft", "tpot", "latency")
            for number in range(_BUCKETS)
        ),
    )
    op.create_table(
        "verdict_series",
        *_key("guard", "outcome"),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_index("verdicts_by_time", "verdict_series", ["at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("verdict_series")
    op.drop_table("usage_series")


def _key(*names: str) -> list[sa.Column[str] | sa.Column[int]]:
    texts = ("tenant", "principal", "model", *names)
    return [
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.String, primary_key=True) for name in texts),
    ]
