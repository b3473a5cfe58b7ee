"""``forebay serve`` with a vLLM to look after, which a stand-in plays; every process is a real one."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from tests.support.served import Served, forebay
from tests.support.standin import kill, left_over, options, starts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups and signals")


def configured(folder: Path, **script: object) -> Path:
    file = folder / "forebay.yaml"
    local = {"kind": "vllm", **options(folder / "starts", **script)}
    file.write_text(json.dumps({"providers": {"local": local}, "models": {"small": {"provider": "local"}}}))
    return file


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ready(server: Served) -> bool:
    try:
        return bool(json.loads(server.get("/ready"))["status"] == "ready")
    except urllib.error.HTTPError as error:
        error.close()
        return False


def ask(server: Served, word: str = "hello") -> str:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(model="small", messages=[{"role": "user", "content": word}])
    return answer.choices[0].message.content or ""


def test_a_crash_ends_the_stream_and_is_survived(tmp_path: Path) -> None:
    with (
        forebay("--config", str(configured(tmp_path))) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        stream = client.chat.completions.create(
            model="small", messages=[{"role": "user", "content": "crash"}], stream=True
        )
        with pytest.raises(openai.APIError):
            list(stream)
        until(lambda: len(starts(tmp_path / "starts")) == 2 and ready(server))
        assert ask(server) == "hello by tiny"
        until(lambda: 'vllm:request_success_total{provider="local"' in server.get("/metrics"))
        assert server.gauge("restarts_total") == 1
    assert not left_over(tmp_path / "starts")
    assert any("local: ready after" in line for line in server.lines)


@pytest.mark.slow
def test_two_workers_share_one(tmp_path: Path) -> None:
    folder = tmp_path / "starts"
    with forebay("--config", str(configured(tmp_path, start_seconds=2.5)), "--workers", "2") as server:
        assert [ask(server) for _ in range(6)] == ["hello by tiny"] * 6
        assert len(starts(folder)) == 1
        until(lambda: re.search(r'vllm:request_success_total\{provider="local".*\} 6', server.get("/metrics")))
        assert server.get("/metrics").count("# TYPE vllm:request_success_total") == 1
        kill(starts(folder)[0].pid)
        until(lambda: not ready(server))
        until(lambda: len(starts(folder)) == 2 and ready(server))
        until(lambda: answers(server))
    assert not left_over(folder)


def answers(server: Served) -> bool:
    with contextlib.suppress(openai.InternalServerError):
        return ask(server) == "hello by tiny"
    return False


def test_a_forebay_that_is_killed_takes_it_along(tmp_path: Path) -> None:
    folder = tmp_path / "starts"
    with forebay("--config", str(configured(tmp_path))) as server:
        assert len(left_over(folder)) == 2
        os.kill(server.process.pid, signal.SIGKILL)
        until(lambda: not left_over(folder))


def begun(config: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "forebay", "serve", "--port", "0", "--config", str(config), *arguments]
    # What a shell runs in the background ignores Ctrl-C, and so would whatever it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_start_can_be_interrupted(tmp_path: Path, workers: str, signum: signal.Signals) -> None:
    folder = tmp_path / "starts"
    process = begun(configured(tmp_path, start_seconds=600), "--workers", workers)
    try:
        until(lambda: starts(folder))
        process.send_signal(signum)
        output, _ = process.communicate(timeout=30)
        assert "Traceback" not in output
        until(lambda: not left_over(folder))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_start_that_fails_tells_what_vllm_said(tmp_path: Path, workers: str) -> None:
    config = configured(tmp_path, says="ValueError: no memory for that", dies_after=0)
    process = begun(config, "--workers", workers)
    output, _ = process.communicate(timeout=60)
    assert process.returncode in {1, 3}
    assert "The provider 'local' did not start" in output
    assert "ValueError: no memory for that" in output
    assert "Traceback" not in output
