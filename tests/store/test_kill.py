"""A process that is killed loses no row that it had in the journal, and none is written twice."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from forebay.core.ledger import UsageQuery
from forebay.settings import Secret, StoreSettings
from forebay.store.plugin import SqlStore, build

ROOT = Path(__file__).parents[2]
MOST_LOST_SECONDS = 0.1

CALLS = """
import asyncio, sys, time
import msgspec
from forebay.settings import Secret, StoreSettings
from forebay.store.plugin import build
from tests.support.records import record

async def main(url, durability, life):
    store = build(StoreSettings(Secret(url), durability=durability))
    await store.start()
    number = 0
    while True:
        number += 1
        told = msgspec.structs.replace(record(number), id=f"{life}-{number:06d}")
        store.recorder.record(told)
        sys.stdout.write(f"{told.id} {told.at}\\n")
        sys.stdout.flush()
        await asyncio.sleep(0.005)

asyncio.run(main(*sys.argv[1:]))
"""


def killed(url: str, durability: str, life: int) -> list[tuple[str, float]]:
    """Ids and moments of the calls that a process ended before it was killed; the last one is the latest."""
    command = [sys.executable, "-c", CALLS, url, durability, str(life)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(150 + 37 * (life % 5))]
        process.kill()
        lines += process.stdout.readlines()
    told = [line.split() for line in lines if line.endswith("\n")]
    return [(name, float(at)) for name, at in told]


async def rows(store: SqlStore) -> list[str]:
    return [row.id for row in await store.usage.rows(UsageQuery(), 100_000)]


@pytest.mark.parametrize(
    ("durability", "kills"),
    [("sync", 3), *(pytest.param(each, 20, marks=pytest.mark.slow) for each in ("sync", "batched"))],
)
async def test_killed_again_and_again(tmp_path: Path, durability: str, kills: int) -> None:
    url = f"sqlite:///{tmp_path / 'forebay.db'}"
    ended: list[str] = []
    allowed: set[str] = set()
    for life in range(kills):
        told = killed(url, durability, life)
        ended += [name for name, _ in told]
        if durability == "batched":
            allowed |= {name for name, at in told if at > told[-1][1] - MOST_LOST_SECONDS}
    store = build(StoreSettings(Secret(url)))
    started = time.perf_counter()
    await store.start()
    await store.recorder.deliver()
    assert time.perf_counter() - started < 5
    found = await rows(store)
    await store.close()
    assert len(found) == len(set(found))
    lost = set(ended) - set(found)
    assert lost <= allowed
