#!/usr/bin/env python3
"""What a chat's second turn costs: its TTFT beside that of the first, with and without the prefix cache.

    python bench/serving/turns.py [--tokens 1000] [--chats 5]

A chat begins with a message of so many tokens, is answered with 32, and goes on with a short question.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.processes import KEY, answers, compile_forebay, forebay, running, wait_for
from bench.processes import Server as Process
from bench.report import below, machine, print_goals, print_table
from bench.serving.compare import START_PAUSE, START_SECONDS
from bench.serving.load import MODEL, WORDS

ANSWER = 32
WANTED = 0.25
CONFIGURATION = """
server: {{port: {port}}}
auth: {{keys: [{{key: {key}, name: bench}}]}}
providers: {{engine: {{kind: engine, model: smollm2, prefix_cache: "{cache}"}}}}
models: {{smollm2: {{provider: engine}}}}
"""
PORT = 8110


def ask(messages: list[dict[str, str]]) -> tuple[float, str, int]:
    """TTFT in seconds, the answer, and how many tokens of the prompt were in the cache."""
    body = {
        "model": MODEL,
        "messages": messages,
        "max_tokens": ANSWER,
        "temperature": 0,
        "min_tokens": ANSWER,
        "stream": True,
    }
    body["stream_options"] = {"include_usage": True}
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/v1/chat/completions", json.dumps(body).encode(), headers)
    began, first, said, cached = time.perf_counter(), 0.0, "", 0
    with urllib.request.urlopen(request, timeout=120) as reply:
        for line in reply:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            for choice in event["choices"]:
                said += choice["delta"].get("content") or ""
                first = first or (time.perf_counter() if said else 0.0)
            if event.get("usage"):
                cached = event["usage"]["prompt_tokens_details"]["cached_tokens"]
    return first - began, said, cached


def chat(number: int, tokens: int) -> tuple[float, float, int]:
    """TTFT of both turns, and what of the second was in the cache."""
    words = random.Random(number).choices(WORDS.split(), k=tokens)
    messages = [{"role": "user", "content": "What is this about? " + " ".join(words)}]
    first, said, _ = ask(messages)
    messages += [{"role": "assistant", "content": said}, {"role": "user", "content": "And why?"}]
    second, _, cached = ask(messages)
    return first, second, cached


def measure(cache: str, tokens: int, chats: int) -> tuple[float, float, int]:
    """The medians over some chats, with a server of its own."""
    with tempfile.TemporaryDirectory(prefix="turns-") as folder:
        config = Path(folder) / "forebay.yaml"
        config.write_text(CONFIGURATION.format(port=PORT, key=KEY, cache=cache), encoding="utf-8")
        one = Process("forebay", [forebay(), "serve", "--config", str(config)], PORT, {})
        with running(one, Path(folder)) as process:
            wait_for(lambda: answers(f"{one.url}/v1/models"), process, START_SECONDS, START_PAUSE)
            chat(0, tokens)
            found = [chat(number, tokens) for number in range(1, chats + 1)]
    first, second, cached = zip(*found, strict=True)
    return statistics.median(first), statistics.median(second), int(statistics.median(cached))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1000, help="words of the first message [1000]")
    parser.add_argument("--chats", type=int, default=5, help="chats [5]")
    options = parser.parse_args()
    compile_forebay()
    print(machine())
    rows, reached = [], None
    for cache in ("off", "shared"):
        first, second, cached = measure(cache, options.tokens, options.chats)
        reached = second / first
        rows.append(
            {
                "prefix cache": cache,
                "first turn, TTFT ms": f"{1e3 * first:.0f}",
                "second turn, TTFT ms": f"{1e3 * second:.0f}",
                "second / first": f"{reached:.3f}",
                "tokens from the cache": f"{cached}",
            }
        )
    print_table(rows)
    print_goals([below("second turn / first", WANTED, reached)])


if __name__ == "__main__":
    main()
