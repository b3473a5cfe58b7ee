"""The tables of usage over time: cells of a minute and of an hour, which are counted up as rows come."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from forebay.core.series import BUCKETS, MEASURES, TIMES
from forebay.store.tables import METADATA

SERIES = Table(
    "usage_series",
    METADATA,
    Column("level", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("tenant", String, primary_key=True),
    Column("principal", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("deployment", String, primary_key=True),
    Column("status", Integer, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in MEASURES),
    *(Column(f"{time}_{number}", Integer, nullable=False) for time in TIMES for number in range(BUCKETS)),
)
"""A cell for whatever happened within ``level`` seconds from ``at`` on; its counts stand beside its sums."""

VERDICTS = Table(
    "verdict_series",
    METADATA,
    Column("level", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("tenant", String, primary_key=True),
    Column("principal", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("guard", String, primary_key=True),
    Column("outcome", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Index("verdicts_by_time", "at"),
)
"""How often each guard came to each outcome."""
