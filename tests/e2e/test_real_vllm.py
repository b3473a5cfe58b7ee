"""The provider with the real vLLM on this machine's CPU and the default model's weights: ``make test-vllm``."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import psutil
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.support.served import Served, forebay

pytestmark = [pytest.mark.vllm, pytest.mark.needs("vllm")]

VENV = Path(__file__).parents[2] / ".venv-vllm"
PYTHON = str(VENV / "bin" / "python")
PATIENCE = 600.0
QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of France?"}]
# A LoRA of rank 4 for the query projections of SmolLM2-135M, large enough to be noticed.
MAKE_ADAPTER = """
import json, pathlib, sys, torch
from safetensors.torch import save_file
folder = pathlib.Path(sys.argv[1])
torch.manual_seed(0)
name = "base_model.model.model.layers.{}.self_attn.q_proj.lora_{}.weight"
shapes = {"A": (4, 576), "B": (576, 4)}
save_file({name.format(i, ab): torch.randn(shapes[ab]) for i in range(30) for ab in "AB"},
          folder / "adapter_model.safetensors")
config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
(folder / "adapter_config.json").write_text(json.dumps(config))
"""


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one adapter, called ``loud``."""
    folder = tmp_path_factory.mktemp("adapters")
    (folder / "loud").mkdir()
    subprocess.run([PYTHON, "-c", MAKE_ADAPTER, str(folder / "loud")], check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, adapters: Path) -> Iterator[Served]:
    """``forebay serve`` with a vLLM of its own."""
    local = {
        "kind": "vllm",
        "model": str(VENV / "weights"),
        "command": [PYTHON, "-m", "vllm.entrypoints.cli.main", "serve"],
        "args": {"max-model-len": 2048, "enforce-eager": True, "gpu-memory-utilization": 0.2},
        "env": {"VLLM_CPU_KVCACHE_SPACE": "1"},
        "adapters": str(adapters),
    }
    config = tmp_path_factory.mktemp("config") / "forebay.yaml"
    config.write_text(json.dumps({"providers": {"local": local}, "models": {"smollm2": {"provider": "local"}}}))
    with forebay("--config", str(config), patience=PATIENCE) as server:
        engines = family(server)
        yield server
    assert not [each for each in engines if each.is_running()]


@pytest.fixture
def sdk(served: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)


def family(server: Served) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children(recursive=True)


def chat(sdk: openai.OpenAI, model: str = "smollm2") -> str:
    answer = sdk.chat.completions.create(model=model, messages=QUESTION, temperature=0, max_tokens=20)
    return answer.choices[0].message.content or ""


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_progress_was_told(served: Served) -> None:
    assert any("local: starting for" in line for line in served.lines)
    assert any("local: ready after" in line for line in served.lines)


def test_a_chat(sdk: openai.OpenAI) -> None:
    assert "Paris" in chat(sdk)


def test_a_stream_is_the_same_text(sdk: openai.OpenAI) -> None:
    stream = sdk.chat.completions.create(
        model="smollm2",
        messages=QUESTION,
        temperature=0,
        max_tokens=20,
        stream=True,
        stream_options={"include_usage": True},
    )
    pieces = list(stream)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices) == chat(sdk)
    assert pieces[-1].usage
    assert pieces[-1].usage.completion_tokens > 2


def test_a_completion(sdk: openai.OpenAI) -> None:
    answer = sdk.completions.create(model="smollm2", prompt="One, two, three,", max_tokens=8, temperature=0)
    assert "four" in answer.choices[0].text


def test_mistakes_are_told_in_vllm_s_words(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature"):
        sdk.chat.completions.create(model="smollm2", messages=QUESTION, temperature=-1)
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.completions.create(model="smollm2", prompt="word " * 4000, max_tokens=1)
    assert caught.value.code == "context_length_exceeded"


def test_its_metrics_are_among_ours(served: Served, sdk: openai.OpenAI) -> None:
    chat(sdk)
    wanted = re.compile(r'^vllm:generation_tokens_total\{provider="local",.*\} (\d+)', re.MULTILINE)
    until(lambda: (found := wanted.search(served.get("/metrics"))) and float(found[1]) > 0)
    page = served.get("/metrics")
    assert 'vllm:time_to_first_token_seconds_bucket{provider="local",' in page
    assert 'forebay_engine_ready{provider="local"} 1.0' in page
    assert "forebay_time_to_first_token_seconds_bucket" in page


def test_an_adapter_is_listed_and_changes_the_answer(sdk: openai.OpenAI) -> None:
    assert "smollm2:loud" in [model.id for model in sdk.models.list()]
    assert chat(sdk, "smollm2:loud") != chat(sdk)
    with pytest.raises(openai.NotFoundError):
        chat(sdk, "smollm2:quiet")


def test_an_adapter_is_loaded_and_unloaded_at_run_time(sdk: openai.OpenAI) -> None:
    def change(verb: str, **body: str) -> None:
        sdk.post(f"/{verb}_lora_adapter", body={"lora_name": "smollm2:again", **body}, cast_to=str)

    change("load", lora_path="loud")
    assert chat(sdk, "smollm2:again") == chat(sdk, "smollm2:loud")
    change("unload")
    with pytest.raises(openai.NotFoundError):
        chat(sdk, "smollm2:again")


@pytest.mark.parametrize("title", ["VLLM::EngineCore", "vllm.entrypoints"])
def test_it_comes_back_when_it_is_killed(served: Served, sdk: openai.OpenAI, title: str) -> None:
    before = served.gauge("restarts_total")
    stream = sdk.completions.create(model="smollm2", prompt="Once upon", max_tokens=1500, stream=True)
    next(iter(stream))
    (victim,) = [
        each for each in family(served) if title in " ".join(each.cmdline()) and "guardian" not in str(each.cmdline())
    ]
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(openai.APIError):
        list(stream)
    until(lambda: served.gauge("ready") == 0)
    with pytest.raises(openai.InternalServerError) as caught:
        chat(sdk)
    assert caught.value.status_code == 503
    assert int(caught.value.response.headers["retry-after"]) >= 1
    until(lambda: answers(sdk), PATIENCE)
    assert served.gauge("restarts_total") == before + 1
    assert chat(sdk, "smollm2:loud") != chat(sdk)


def answers(sdk: openai.OpenAI) -> bool:
    with contextlib.suppress(openai.InternalServerError):
        return "Paris" in chat(sdk)
    return False
