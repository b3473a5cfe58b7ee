"""A server that is killed while it answers has every answer that a client has seen in its ledger, once."""

from pathlib import Path

import pytest

from tests.support.metered import killed

MOST_LOST_SECONDS = 0.1


@pytest.mark.parametrize(
    ("durability", "times"),
    [("sync", 1), *(pytest.param(each, 20, marks=pytest.mark.slow) for each in ("sync", "batched"))],
)
async def test_killed_under_load(tmp_path: Path, durability: str, times: int) -> None:
    tally = await killed(tmp_path, durability, times, 1.0)
    assert tally.ended > 50 * times
    assert tally.doubled == 0
    if durability == "sync":
        assert tally.missing == 0
    assert tally.oldest <= MOST_LOST_SECONDS
