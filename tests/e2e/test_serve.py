"""What the README promises, with OpenAI's client, against the real model."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import openai
import psutil
import pytest

from tests.support import tiny
from tests.support.served import Served, forebay

pytestmark = [pytest.mark.needs("engine"), pytest.mark.needs("curl")]

HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def sdk(served: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)


def test_the_printed_curl_line_works(served: Served) -> None:
    (line,) = [line for line in served.lines if " try " in line]
    command = shlex.split(line.partition("try")[2])
    answer = json.loads(subprocess.run([*command, "-s"], capture_output=True, check=True, timeout=60).stdout)
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] > 0


def test_chat(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="smollm2",
        messages=[{"role": "user", "content": "What is the capital of France? Answer in one word."}],
        temperature=0,
        max_tokens=20,
    )
    assert "Paris" in (answer.choices[0].message.content or "")


def test_a_stream_is_the_same_text_as_the_whole(sdk: openai.OpenAI) -> None:
    question = {"model": "smollm2", "messages": HELLO, "temperature": 0, "max_tokens": 30, "seed": 1}
    whole = sdk.chat.completions.create(**question)  # type: ignore[call-overload]
    stream = sdk.chat.completions.create(**question, stream=True, stream_options={"include_usage": True})  # type: ignore[call-overload]
    pieces = list(stream)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert text == whole.choices[0].message.content
    assert pieces[-1].usage == whole.usage
    assert [piece.choices[0].finish_reason for piece in pieces if piece.choices and piece.choices[0].finish_reason] == [
        whole.choices[0].finish_reason
    ]


def test_completion(sdk: openai.OpenAI) -> None:
    answer = sdk.completions.create(model="smollm2", prompt="One, two, three,", max_tokens=8, temperature=0)
    assert "four" in answer.choices[0].text


def test_embeddings(sdk: openai.OpenAI) -> None:
    texts = ["A cat sits on the mat.", "A kitten is lying on a rug.", "Stock prices fell sharply today."]
    first, second, third = [
        each.embedding for each in sdk.embeddings.create(model="all-minilm-l6-v2", input=texts).data
    ]
    dot = [sum(a * b for a, b in zip(first, other, strict=True)) for other in (first, second, third)]
    assert dot[0] == pytest.approx(1, abs=1e-3)
    assert dot[1] > dot[2] + 0.3


def test_models_and_probes(served: Served, sdk: openai.OpenAI) -> None:
    assert [model.id for model in sdk.models.list()][:2] == ["smollm2", "all-minilm-l6-v2"]
    assert sdk.models.retrieve("smollm2").owned_by == "engine"
    assert json.loads(served.get("/health")) == {"status": "ok"}
    assert json.loads(served.get("/ready")) == {"status": "ready"}
    assert "<html" in served.get("/")


def test_the_log_line_tells_the_four_metrics(served: Served) -> None:
    served.post("/v1/completions", {"model": "smollm2", "prompt": "Hi", "max_tokens": 2})
    deadline = time.monotonic() + 5
    while not any("200 completions model=smollm2" in line for line in served.lines):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    line = next(line for line in served.lines if "200 completions model=smollm2" in line)
    for metric in ("ttft=", "tpot=", "latency=", "throughput="):
        assert metric in line


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"max_tokens": -1}, 400, None),
        ({"temperature": 9}, 400, None),
        ({"messages": [{"role": "user", "content": "word " * 9000}]}, 400, "context_length_exceeded"),
        ({"messages": []}, 400, "empty_array"),
        ({"model": "gpt-4o"}, 404, "model_not_found"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, 400, None),
    ],
)
def test_bad_requests(sdk: openai.OpenAI, body: dict[str, object], status: int, code: str | None) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.post("/chat/completions", body={"model": "smollm2", "messages": HELLO, **body}, cast_to=object)
    assert caught.value.status_code == status
    assert caught.value.code == code or code is None


def test_clients_that_leave_free_every_block(served: Served) -> None:
    body = json.dumps(
        {"model": "smollm2", "prompt": "Once", "max_tokens": 2000, "ignore_eos": True, "stream": True}
    ).encode()
    host, port = served.url.removeprefix("http://").split(":")
    head = f"POST /v1/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    sockets = []
    for _ in range(8):
        client = socket.create_connection((host, int(port)))
        client.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert client.recv(12) == b"HTTP/1.1 200"
        sockets.append(client)
    assert served.gauge("running") == 8
    for client in sockets:
        client.close()
    deadline = time.monotonic() + 10
    while served.gauge("kv_blocks_used") or served.gauge("running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_memory_does_not_grow_with_requests(served: Served) -> None:
    process = psutil.Process(served.process.pid)
    question = {"model": "smollm2", "prompt": "Hi", "max_tokens": 1}
    for _ in range(30):
        served.post("/v1/completions", question)
    files, memory = process.num_fds(), process.memory_info().rss
    for _ in range(200):
        served.post("/v1/completions", question)
    assert process.num_fds() <= files + 2
    assert process.memory_info().rss < memory + 20e6


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix sockets")
def test_two_workers_share_one_engine() -> None:
    with forebay("--workers", "2") as server:
        for _ in range(6):
            answer = server.post("/v1/completions", {"model": "smollm2", "prompt": "Hi", "max_tokens": 2})
            assert answer["model"] == "smollm2"
        time.sleep(0.5)  # the other worker's figures may be a quarter of a second old
        text = server.get("/metrics")
        assert server.gauge("running") == 0
    (line,) = re.findall(r"forebay_requests_total\{.*status=\"200\".*\} (\d+)", text)
    assert int(line) == 6


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_server_that_is_told_to_stop_finishes_its_answer() -> None:
    with forebay() as server, openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as sdk:
        stream = sdk.completions.create(
            model="smollm2", prompt="Once", max_tokens=60, stream=True, extra_body={"ignore_eos": True}
        )
        next(iter(stream))
        os.kill(server.process.pid, signal.SIGTERM)
        rest = list(stream)
        assert rest[-1].choices[0].finish_reason == "length"
        server.process.wait(30)


def test_a_gguf_file_is_served_under_its_own_name(tmp_path: Path) -> None:
    model, config = tmp_path / "my-model.gguf", tmp_path / "forebay.yaml"
    model.write_bytes(tiny.llama())
    config.write_text("log: {requests: false}")
    environ = {"FOREBAY_HOME": str(tmp_path / "home")}
    with forebay("--config", str(config), "--model", str(model), environ=environ) as server:
        answer = server.post("/v1/completions", {"model": "my-model", "prompt": "Hi", "max_tokens": 2})
        assert answer["model"] == "my-model"


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "forebay", "serve", "--port", "0", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environ}
    )


def test_an_open_address_needs_a_key() -> None:
    refused = run("--host", "0.0.0.0")
    assert refused.returncode == 1
    assert "FOREBAY_API_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_is_a_quiet_stop(tmp_path: Path) -> None:
    config = tmp_path / "forebay.yaml"
    config.write_text('{providers: {p: {kind: openai, base_url: "http://127.0.0.1:9/v1"}}, models: {m: {provider: p}}}')
    with forebay("--config", str(config)) as server:
        os.kill(server.process.pid, signal.SIGINT)
        assert server.process.wait(30) == 0
    assert "Aborted" not in "".join(server.lines)


def test_a_configuration_without_models_is_told(tmp_path: Path) -> None:
    config = tmp_path / "forebay.yaml"
    config.write_text("log: {requests: false}")
    refused = run("--config", str(config))
    assert refused.returncode == 1
    assert "names no model" in refused.stderr


def test_a_taken_port_is_told(served: Served) -> None:
    port = served.url.rpartition(":")[2]
    refused = run("--port", port)
    assert refused.returncode == 1
    assert "address already in use" in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_missing_model_is_told() -> None:
    refused = run("--model", "no-such-model")
    assert refused.returncode == 1
    assert "no-such-model" in refused.stderr
    assert "Traceback" not in refused.stderr
