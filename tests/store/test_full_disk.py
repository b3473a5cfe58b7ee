"""A disk that takes no more, for real: the kernel refuses, and every row comes once as soon as it does not."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.core.ledger import UsageQuery
from forebay.settings import Secret, StoreSettings
from forebay.store.database import AWAY
from forebay.store.plugin import build
from tests.support.records import record

if sys.platform == "win32":
    pytest.skip("Windows knows no limit of a file's size", allow_module_level=True)

import resource

ROWS = [record(number) for number in range(3000)]
ROOM = 256 * 1024


@contextlib.contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """No file of this process can grow beyond ``size`` bytes; Python ignores the signal, so writing fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("durability", ["sync", "batched"])
async def test_nothing_is_lost_on_a_full_disk(
    tmp_path: Path, durability: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = build(StoreSettings(Secret(f"sqlite:///{tmp_path}/forebay.db"), durability=durability))  # type: ignore[arg-type]
    ledger = store.recorder
    await store.start()
    with full_beyond(ROOM):
        for row in ROWS:
            ledger.record(row)
        await ledger.write()
        with contextlib.suppress(*AWAY):
            await ledger.deliver()
        assert "the journal takes no more rows, they wait in memory" in caplog.text
    for _ in range(20):
        await ledger.write()
        with contextlib.suppress(*AWAY):
            await ledger.deliver()
    found = [row.id for row in await store.usage.rows(UsageQuery(), 100_000)]
    await store.close()
    assert sorted(found) == sorted(row.id for row in ROWS)
    assert ledger.lost == 0
