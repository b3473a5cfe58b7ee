"""All workers of a server get another configuration, also those that are started later."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.support.served import Served, forebay

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

CONFIG = """
auth: {{keys: [{{key: secret, name: root, admin: true}}]}}
providers: {{p: {{kind: openai, base_url: "http://127.0.0.1:1/v1"}}}}
models: {{{model}: {{provider: p}}}}
"""
HEADERS = {"authorization": "Bearer secret"}


def served_by_all(server: Served, model: str) -> None:
    """Wait until twenty connections in a row find ``model``: two workers share the port."""
    deadline, found = time.monotonic() + 90, 0
    while found < 20:
        assert time.monotonic() < deadline, "".join(server.lines)
        try:
            urllib.request.urlopen(urllib.request.Request(f"{server.url}/v1/models/{model}", headers=HEADERS)).close()
            found += 1
        except urllib.error.HTTPError as error:
            error.close()
            found = 0
            time.sleep(0.05)


def test_a_hangup_and_a_put_reach_all_workers(tmp_path: Path) -> None:
    file = tmp_path / "forebay.yaml"
    file.write_text(CONFIG.format(model="one"))
    with forebay("--workers", "2", "--config", str(file)) as server:
        served_by_all(server, "one")
        file.write_text(CONFIG.format(model="two"))
        os.kill(server.process.pid, signal.SIGHUP)
        served_by_all(server, "two")

        file.write_text(CONFIG.format(model="three") + "modles: 1\n")
        os.kill(server.process.pid, signal.SIGHUP)
        body = CONFIG.format(model="four").encode()
        request = urllib.request.Request(f"{server.url}/admin/config", body, HEADERS, method="PUT")
        with urllib.request.urlopen(request) as reply:
            assert reply.status == 202
        served_by_all(server, "four")

        workers = [each for each in psutil.Process(server.process.pid).children() if "spawn_main" in each.cmdline()[-2]]
        workers[0].kill()
        workers[0].wait(10)
        served_by_all(server, "four")
    assert any("forebay.yaml:5: modles: unknown key" in line for line in server.lines)


IN_TERMINAL = (
    "import os, sys; os.login_tty(int(sys.argv[1])); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_that_is_closed_ends_its_server(tmp_path: Path, workers: str) -> None:
    file = tmp_path / "forebay.yaml"
    file.write_text(CONFIG.format(model="one"))
    ours, theirs = os.openpty()
    arguments = ["-m", "forebay", "serve", "--port", "0", "--workers", workers, "--config", str(file)]
    command = [sys.executable, "-c", IN_TERMINAL, str(theirs), *arguments]
    with subprocess.Popen(command, pass_fds=[theirs]) as process:
        os.close(theirs)
        shown = b""
        while b"Ctrl-C" not in shown:
            shown += os.read(ours, 4096)
        served = psutil.Process(process.pid).children()
        os.close(ours)
        try:
            process.wait(60)
        finally:
            process.kill()
    _, left = psutil.wait_procs(served, 10)
    assert all(each.status() == psutil.STATUS_ZOMBIE for each in left), "somebody else's to reap"
