"""What every test has: an event loop that reports whoever blocks it."""

import logging
import re
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.served import Served, forebay

pytest_plugins = ["tests.skips", "pytester"]

# A loaded machine makes single examples slow; how long a test may take is pytest's business.
settings.register_profile("forebay", deadline=None)
settings.load_profile("forebay")

SLOW_CALLBACK_SECONDS = 0.25
TOOK = re.compile(r"^Executing .* took ([0-9.]+) seconds$", re.DOTALL)
# A test's own task may take its time (clients import half of themselves when first used); ours may not.
OWN_TASK = re.compile(r"coro=<\w+\(\) (?:running|done, defined) at [^>]*[/\\]tests[/\\]")


@pytest.fixture(autouse=True)
def _no_slow_callbacks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which one callback held the event loop for longer than `SLOW_CALLBACK_SECONDS`."""
    with caplog.at_level(logging.WARNING, logger="asyncio"):
        yield
    messages = (
        record.getMessage()
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.name == "asyncio"
    )
    slow = [message for message in messages if _too_slow(message)]
    assert not slow, f"the event loop was blocked: {slow}"


def _too_slow(message: str) -> bool:
    took = TOOK.search(message)
    return took is not None and float(took[1]) > SLOW_CALLBACK_SECONDS and not OWN_TASK.search(message)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """``forebay serve`` with nothing configured, shared by all tests that do not harm it."""
    with forebay() as server:
        yield server


@pytest.fixture(scope="session")
def server_url(served: Served) -> str:
    """Where it is."""
    return served.url
