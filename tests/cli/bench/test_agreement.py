"""An independent client, NVIDIA's AIPerf, finds the same figures of the same provider."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.bench.conftest import Bench
from tests.support.paced import paced
from tests.support.upstream import upstream

VENV = Path(__file__).parents[3] / ".venv-aiperf"
REQUESTS, CONCURRENCY, TOKENS = 60, 4, 32
PAIRS = (
    ("ttft", "p50", "time_to_first_token"),
    ("ttft", "p90", "time_to_first_token"),
    ("tpot", "p50", "inter_token_latency"),
    ("tpot", "p90", "inter_token_latency"),
    ("latency", "p50", "request_latency"),
    ("latency", "p90", "request_latency"),
    ("latency", "p99", "request_latency"),
)


async def _aiperf(url: str, folder: Path) -> Any:
    command = [
        *(str(VENV / "bin" / "aiperf"), "profile", "--url", url, "--model-names", "paced", "--endpoint-type", "chat"),
        *("--streaming", "--use-server-token-count", "--use-legacy-max-tokens", "--tokenizer", str(VENV / "tokenizer")),
        *("--concurrency", str(CONCURRENCY), "--request-count", str(REQUESTS), "--warmup-request-count", "4"),
        *("--isl", "40", "--osl", str(TOKENS), "--extra-inputs", "ignore_eos:true", "--ui", "none"),
        *("--no-gpu-telemetry", "--no-server-metrics", "--artifact-dir", str(folder)),
    ]
    running = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = await asyncio.wait_for(running.communicate(), 240)
    assert running.returncode == 0, said.decode(errors="replace")[-3000:]
    return json.loads((folder / "profile_export_aiperf.json").read_bytes())


@pytest.mark.aiperf
@pytest.mark.needs("aiperf")
async def test_aiperf_finds_the_same_within_a_twentieth(bench: Bench, tmp_path: Path) -> None:
    figures = tmp_path / "f.json"
    load = ("--concurrency", CONCURRENCY, "--requests", REQUESTS, "--output-tokens", TOKENS, "--warm-up", 4)
    async with upstream(paced(0.25, 0.025)) as provider:
        told = await bench(provider.url, *load, "--json", figures)
        assert told.exit_code == 0, told.output
        theirs = await _aiperf(provider.url.removesuffix("/v1"), tmp_path / "aiperf")
    ours = json.loads(figures.read_bytes())["servers"][0]["summary"]
    pairs = {f"{name} {share}": (ours[name][share], theirs[other][share]) for name, share, other in PAIRS}
    pairs["output tokens/s"] = (ours["output_tokens_per_second"], theirs["output_token_throughput"]["avg"])
    pairs["requests/s"] = (ours["requests_per_second"], theirs["request_throughput"]["avg"])
    pairs["tokens"] = (ours["output"]["total"], theirs["total_usage_completion_tokens"]["avg"])
    apart = {name: (mine, other) for name, (mine, other) in pairs.items() if mine != pytest.approx(other, rel=0.05)}
    print(pairs)  # noqa: T201  # shown by pytest -s, for docs/performance.md
    assert not apart
