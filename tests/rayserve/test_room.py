"""A cluster that has no room for all replicas: ``forebay deploy ray`` says so, and gives up in time."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.ray_nodes import QUIET, ray_nodes

pytestmark = [pytest.mark.ray, pytest.mark.needs("ray", "engine")]

CONFIG = """
server: {port: %d}
providers: {engine: {kind: engine, model: smollm2}}
models: {smollm2: {provider: engine}}
ray:
  gateways: {min: 1, cpus: 0.1}
  engines: {min: 2, cpus: 40}
"""


def test_what_has_no_room_is_told_and_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    config = tmp_path / "forebay.yaml"
    config.write_text(CONFIG % port)
    with ray_nodes(port, [{}]) as nodes:
        begun = time.monotonic()
        command = [sys.executable, "-m", "forebay", "deploy", "ray", "--config", str(config), "--timeout", "20s"]
        done = subprocess.run(
            [*command, "--address", nodes.address],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, **QUIET},
        )
    assert done.returncode == 1, done.stderr
    assert time.monotonic() - begun < 90
    assert "2 of 'engine' (40 CPUs each)" in done.stderr
    assert "All replicas together need 80.1 CPUs" in done.stderr
    assert "Not everything runs after 20 s." in done.stderr
