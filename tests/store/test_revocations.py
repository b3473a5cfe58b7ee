"""Revoked tokens, in both databases."""

import time

from forebay.store.database import Database
from forebay.store.revocations import RevocationTable


async def test_they_are_kept_until_they_end(database: Database) -> None:
    table, now = RevocationTable(database), time.time()
    before = await table.version()
    await table.add("ended", now - 1)
    await table.add("a", now + 60)
    await table.add("a", now + 60)
    await table.add("b", now + 120)
    assert await table.version() == before + 4
    assert await table.active(now) == {"a": now + 60, "b": now + 120}
    assert await table.active(now + 90) == {"b": now + 120}
    assert await table.active(0) == {"a": now + 60, "b": now + 120}
