"""What every test has: an event loop that reports whoever blocks it."""

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.blocking import watched
from tests.support.redis_server import RedisServer, redis_server
from tests.support.served import Served, forebay, forebay_services

pytest_plugins = ["tests.skips", "tests.garbage", "pytester"]

# A loaded machine makes single examples slow; how long a test may take is pytest's business.
settings.register_profile("forebay", deadline=None)
settings.load_profile("forebay")

AS_SERVICES = "FOREBAY_TEST_SERVICES"
"""Set, the tests that share a server get one in three processes: engine, gateway and web."""

# A callback that only sets a result has taken 0.38 s on a loaded machine: less than this tells nothing about ours.
SLOW_CALLBACK_SECONDS = 0.5
# A test's own task may take its time (clients import half of themselves when first used), and so may what drives the
# browser, and the pipe that it comes by; ours may not.
OWN_TASK = re.compile(
    r"coro=<[\w.]+\(\) (?:running|done, defined) at [^>]*[/\\]tests[/\\]"
    r"|[/\\]playwright[/\\]_impl[/\\]"
    r"|<Handle (?:_UnixReadPipeTransport\._read_ready|SubprocessStreamProtocol\.pipe_data_received)\("
)


def _is_own(description: str) -> bool:
    return OWN_TASK.search(description) is not None


@pytest.fixture(autouse=True)
def _no_slow_callbacks() -> Iterator[None]:
    """Fail a test in which one callback held the event loop for longer than `SLOW_CALLBACK_SECONDS`."""
    with watched(SLOW_CALLBACK_SECONDS, _is_own) as blocked:
        yield
    assert not blocked, f"the event loop was blocked: {blocked}"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``forebay serve`` with nothing configured, shared by all tests that do not harm it; or the same as services."""
    if AS_SERVICES in os.environ:
        with forebay_services(tmp_path_factory.mktemp("services")) as services:
            yield services.web
        return
    with forebay() as server:
        yield server


@pytest.fixture(scope="session")
def server_url(served: Served) -> str:
    """Where it is."""
    return served.url


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that nobody kills."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server
