"""Whether the ledger loses anything: a server killed under load again and again, and PostgreSQL away for a minute.

PYTHONPATH=. .venv/bin/python bench/ledger.py
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from sqlalchemy import text

from forebay.store.database import Database, parse
from tests.support.metered import RATE, delivered, killed, site
from tests.support.postgres import Postgres, postgres

KILLS, LIFE_SECONDS = 20, 2.0
BEFORE, AWAY, AFTER = 10.0, 60.0, 20.0
MOST_LOST_SECONDS = {"sync": 0.0, "batched": 0.1}


async def kills(durability: str) -> bool:
    """Print what is left after `KILLS` lives; whether it is what was promised."""
    with tempfile.TemporaryDirectory(prefix="forebay-ledger-") as folder:
        told = await killed(Path(folder), durability, KILLS, LIFE_SECONDS)
    print(
        f"{durability:8} {KILLS} kills at {RATE}/s: {told.ended} answers seen, {told.missing} missing "
        f"(the oldest {told.oldest * 1000:.0f} ms before its kill), {told.doubled} twice; "
        f"{told.failed} broken off by the kills"
    )
    return not told.doubled and told.oldest <= MOST_LOST_SECONDS[durability]


async def outage(database: Postgres) -> bool:
    """Print what a minute without the database costs; whether it is nothing."""
    url = database.database()
    with tempfile.TemporaryDirectory(prefix="forebay-ledger-") as name:
        folder = Path(name)
        async with site(folder, "batched", url) as place, place.served() as server, asyncio.TaskGroup() as both:
            both.create_task(server.load(BEFORE + AWAY + AFTER))
            await asyncio.sleep(BEFORE)
            await asyncio.to_thread(database.stop)
            await asyncio.sleep(AWAY)
            waiting = sum(file.stat().st_size for file in (folder / "journal").iterdir())
            await asyncio.to_thread(database.start)
            both.create_task(_until_delivered(folder, AFTER))
    ids = await _ids(url)
    missing = {each.id for each in server.ended} - set(ids)
    print(
        f"PostgreSQL away for {AWAY:g} s at {RATE}/s: {len(server.ended)} answers seen, {server.failed} failed, "
        f"{len(missing)} rows missing, {len(ids) - len(set(ids))} twice; {waiting / 1e6:.1f} MB waited on disk"
    )
    return not (server.failed or missing or len(ids) != len(set(ids)))


async def _until_delivered(folder: Path, after: float) -> None:
    await asyncio.sleep(after + 1)
    while not delivered(folder):  # noqa: ASYNC110  # files have no event
        await asyncio.sleep(0.2)


async def _ids(url: str) -> list[str]:
    opened = Database(parse(url))
    try:
        async with opened.reading() as connection:
            return list((await connection.execute(text("SELECT id FROM usage"))).scalars())
    finally:
        await opened.close()


async def main() -> bool:
    """All of it."""
    held = [await kills("sync"), await kills("batched")]
    with postgres() as database:
        held.append(await outage(database))
    return all(held)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
