#!/usr/bin/env python3
"""What it costs to translate: requests a second with an OpenAI-shaped upstream and with one that speaks as Anthropic.

    python bench/gateway/translated.py [--seconds 4]

nginx plays both upstreams with the same short answer, whole. CPU 0 carries it and the load, CPU 1 Forebay. The status
is 1 if the goal was missed.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.gateway.compare import (
    CHAT,
    ON_GATEWAY_CPU,
    ON_LOAD_CPU,
    PLAIN_BODY,
    Figures,
    wrk,
)
from bench.gateway.provider import START_PAUSE, START_SECONDS
from bench.processes import (
    KEY,
    NotStartedError,
    Server,
    allow_many_files,
    answers,
    compile_forebay,
    forebay,
    running,
    wait_for,
)
from bench.report import at_least, machine, missed, print_goals, print_table

UPSTREAM_PORT, GATEWAY_PORT = 9005, 8115
GOAL = 6000
TEXT = "The capital of France is Paris, which has been its seat of government for most of a thousand years."
REPLIES = {
    "openai": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "mock",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 60, "completion_tokens": 22, "total_tokens": 82},
    },
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "mock",
        "content": [{"type": "text", "text": TEXT, "citations": None}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 60,
            "output_tokens": 22,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
    },
}
NGINX = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log nginx.err;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path body;
  keepalive_requests 10000000;
  default_type application/json;
  server {{
    listen 127.0.0.1:{port};
    location /v1/messages {{ return 200 '{anthropic}'; }}
    location /v1/chat/completions {{ return 200 '{openai}'; }}
  }}
}}
"""
FOREBAY = """
server: {{port: {gateway}}}
auth: {{keys: [{{key: {key}, name: bench}}]}}
providers:
  mock: {{kind: {kind}, base_url: "{url}", api_key: sk-x}}
models:
  mock: {{provider: mock, model: claude-sonnet-4-5}}
log: {{requests: false}}
"""
ADDRESSES = {"openai": "/v1", "anthropic": ""}


def measure(kind: str, work: Path, seconds: int) -> Figures:
    """Forebay before an upstream of that kind.

    Raises:
        NotStartedError: it did not start.
    """
    config = work / f"{kind}.yaml"
    url = f"http://127.0.0.1:{UPSTREAM_PORT}{ADDRESSES[kind]}"
    config.write_text(FOREBAY.format(gateway=GATEWAY_PORT, key=KEY, kind=kind, url=url))
    gateway = Server(kind, [forebay(), "serve", "--config", str(config)], GATEWAY_PORT)
    body = PLAIN_BODY.read_bytes().strip()
    with running(gateway, work, ON_GATEWAY_CPU) as process:
        wait_for(lambda: answers(gateway.url + CHAT, body), process, START_SECONDS, START_PAUSE)
        wrk(gateway, process, connections=4, seconds=1)
        return wrk(gateway, process, connections=64, seconds=seconds)


def compare(work: Path, seconds: int) -> dict[str, Figures]:
    """Both kinds, one after the other, with the same upstream."""
    replies = {name: json.dumps(reply) for name, reply in REPLIES.items()}
    (work / "nginx.conf").write_text(NGINX.format(port=UPSTREAM_PORT, **replies))
    upstream = Server("nginx", ["nginx", "-p", str(work), "-c", str(work / "nginx.conf")], UPSTREAM_PORT)
    with running(upstream, work, ON_LOAD_CPU) as process:
        wait_for(lambda: answers(f"http://127.0.0.1:{UPSTREAM_PORT}/v1/messages"), process, 10, START_PAUSE)
        return {kind: measure(kind, work, seconds) for kind in REPLIES}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4, help="how long to measure each [4]")
    options = parser.parse_args()
    allow_many_files()
    compile_forebay()
    work = Path(tempfile.mkdtemp(prefix="translated-bench-"))
    try:
        found = compare(work, options.seconds)
    except NotStartedError as error:
        sys.exit(f"A server did not start: {error}; see {work}")
    print(machine())
    print_table(
        [
            {
                "upstream": kind,
                "rps c64": f"{figures['rps']:.0f}",
                "cpu us": f"{figures['cpu_us']:.1f}",
                "p50 c64 us": f"{figures['p50']:.0f}",
                "p99 c64 us": f"{figures['p99']:.0f}",
                "errors": f"{figures['err_status'] + figures['err_sock']}",
            }
            for kind, figures in found.items()
        ]
    )
    reached = [at_least("requests/s, translated", GOAL, found["anthropic"]["rps"])]
    print_goals(reached)
    shutil.rmtree(work)
    return int(missed(reached))


if __name__ == "__main__":
    sys.exit(main())
