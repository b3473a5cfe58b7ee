"""A Ray cluster of several nodes on this machine, in a process of its own that is told what to do, line by line.

The nodes share this machine's address, so only the first one has an HTTP proxy: it stands for whatever a client asks.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
STORE_BYTES = 80 * 1024 * 1024
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_SERVE_LOG_TO_STDERR": "0"}
START_SECONDS = 400
STOP_SECONDS = 120


class Nodes(NamedTuple):
    """A running cluster: its address, the port of its HTTP proxy, and the process that has it."""

    address: str
    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, what: str, **more: Any) -> Any:
        """Have something done, and what comes of it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.process.stdin.flush()
        return _told(self.process)

    def deploy(self, config: str) -> subprocess.CompletedProcess[str]:
        """``forebay deploy ray``, as a user types it."""
        command = [sys.executable, "-m", "forebay", "deploy", "ray", "--config", config, "--address", self.address]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=500, check=False, env={**os.environ, **QUIET}
        )

    def replicas(self, deployment: str) -> dict[str, str]:
        """Those that run, and the node of each."""
        found: dict[str, str] = self.ask("replicas", deployment=deployment)
        return found


@contextlib.contextmanager
def ray_nodes(port: int, resources: list[dict[str, float]]) -> Iterator[Nodes]:
    """A node for each of ``resources``, the first one the head."""
    command = [sys.executable, "-m", "tests.support.ray_nodes", str(port), json.dumps(resources)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **QUIET}
    )
    watch = threading.Timer(START_SECONDS, process.kill)
    watch.start()
    try:
        address = _told(process)
        watch.cancel()
        yield Nodes(address, port, process)
    finally:
        watch.cancel()
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            if process.stdout:
                process.stdout.close()


def _told(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            return json.loads(line)["told"]
    raise AssertionError("the cluster's process has ended")


class _Cluster:
    def __init__(self, port: int, resources: list[dict[str, float]]) -> None:
        import ray  # noqa: PLC0415  # only here, and in .venv-ray
        from ray import serve  # noqa: PLC0415
        from ray.cluster_utils import Cluster  # noqa: PLC0415

        self._status = serve.status
        self._shutdown = serve.shutdown
        self._disconnect = ray.shutdown
        options = {"num_cpus": 4, "object_store_memory": STORE_BYTES}
        head = {**options, "resources": resources[0], "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._nodes = {"head": self._cluster.head_node}
        for number, each in enumerate(resources[1:], 1):
            self._nodes[f"n{number}"] = self._cluster.add_node(**options, resources=each)
        ray.init(self._cluster.address, log_to_driver=False, logging_level="warning")
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
        self.address = self._cluster.address

    def replicas(self, deployment: str) -> dict[str, str]:
        from ray._private.state import actors  # noqa: PLC0415  # the public way needs Ray's dashboard

        names = {each.node_id: name for name, each in self._nodes.items()}
        return {
            each["Name"]: names.get(each["Address"]["NodeID"], "gone")
            for each in actors().values()
            if each["Name"].startswith(f"SERVE_REPLICA::forebay#{deployment}#") and each["State"] == "ALIVE"
        }

    def used(self) -> list[float]:
        """The share of its KV cache that each engine uses."""
        from ray import serve  # noqa: PLC0415

        told = serve.get_deployment_handle("engine", "forebay").broadcast("record_autoscaling_stats").results()
        return [each["kv_use"] for each in told]

    def figure(self, name: str) -> list[float]:
        """What each engine says of a figure of its ``smollm2``."""
        from ray import serve  # noqa: PLC0415

        from forebay.rayserve.asked import Asked  # noqa: PLC0415

        asked = Asked("GET", "/metrics", b"", [], b"")
        told = serve.get_deployment_handle("engine", "forebay").broadcast("tell", asked).results()
        lines = [line for _, text in told for line in text.decode().splitlines()]
        return [float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"forebay_engine_{name}{{")]

    def kill(self, node: str) -> bool:
        """As a machine that loses its power."""
        self._cluster.remove_node(self._nodes.pop(node), allow_graceful=False)
        return True

    def add(self, node: str, resources: dict[str, float]) -> bool:
        options = {"num_cpus": 4, "object_store_memory": STORE_BYTES}
        self._nodes[node] = self._cluster.add_node(**options, resources=resources)
        return True

    def close(self) -> None:
        self._shutdown()
        self._disconnect()
        self._cluster.shutdown()


def _main() -> None:
    cluster = _Cluster(int(sys.argv[1]), json.loads(sys.argv[2]))
    _tell(cluster.address)
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            _tell(getattr(cluster, asked.pop("do"))(**asked))
    finally:
        cluster.close()


def _tell(what: Any) -> None:
    sys.stdout.write(json.dumps({"told": what}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()
