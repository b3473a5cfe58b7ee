"""``forebay bench`` with a server and a model that are real."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.served import Served


@pytest.mark.engine
def test_prompts_and_answers_of_the_engine_have_the_length_that_was_asked_for(served: Served, tmp_path: Path) -> None:
    figures = tmp_path / "f.json"
    load = ("--requests", "4", "--concurrency", "2", "--warm-up", "0", "--input-tokens", "90", "--output-tokens", "6")
    command = [sys.executable, "-m", "forebay", "bench", served.url, *load, "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(figures.read_bytes())["servers"][0]
    assert found["notes"] == []
    assert found["summary"]["input"] == {"least": 90, "most": 90, "total": 360}
    assert found["summary"]["output"] == {"least": 6, "most": 6, "total": 24}
    assert found["summary"]["counted"] == {"usage": 4}
    assert 0 < found["summary"]["ttft"]["p50"] < found["summary"]["latency"]["p50"]
