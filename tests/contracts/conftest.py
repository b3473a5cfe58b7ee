"""What several contracts need: real servers."""

from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer, redis_server


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that nobody kills."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server
