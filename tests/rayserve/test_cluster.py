"""Forebay on a real Ray cluster of three nodes, with the default model: ``make test-ray``."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from tests.rayserve.load import load
from tests.support import lora
from tests.support.ray_nodes import Nodes, ray_nodes

pytestmark = [pytest.mark.ray, pytest.mark.needs("ray", "engine")]

# The gateway is on the node that outlives the others; each of these has room for both engines.
NODES = [{"front": 2.0}, {"back": 2.0}, {"back": 2.0}]
PATIENCE = 180
CONFIG = """
server: {port: %d, body_limit: 1MiB}
providers:
  engine: {kind: engine, model: smollm2, kv_cache: 64 MiB, adapters: {folder: "%s"}}
  embeddings: {kind: embedding, model: all-minilm-l6-v2}
models:
  smollm2: {provider: engine, timeouts: {first_token: 120s, between_tokens: 60s}}
  all-minilm-l6-v2: {provider: embeddings}
ray:
  gateways: {min: 1, max: 1, cpus: 0.1, resources: {front: 1}}
  engines: {min: 2, max: 2, cpus: 0.1, resources: {back: 0.7}}
"""
ADAPTERS = ("poet", "pirate")
LONG = "Once upon a time there was a dam that held back a lake as wide as the sky above it. " * 12


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration; what is written into it is served after the next `Nodes.deploy`."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    folder = tmp_path_factory.mktemp("ray")
    for seed, name in enumerate(ADAPTERS):
        lora.write(folder / "adapters" / name, lora.tensors(lora.SMOLLM2, seed, rank=4), rank=4)
    written = folder / "forebay.yaml"
    written.write_text(CONFIG % (port, folder / "adapters"))
    return written


@pytest.fixture(scope="module")
def nodes(config: Path) -> Iterator[Nodes]:
    """Three nodes that serve it."""
    port = int(config.read_text().split("port: ")[1].split(",")[0])
    with ray_nodes(port, NODES) as found:
        _deployed(found, config)
        yield found


@pytest.fixture
def client(nodes: Nodes) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{nodes.url}/v1", api_key="x", max_retries=0, timeout=PATIENCE) as found:
        yield found


def test_each_node_has_what_was_asked_for(nodes: Nodes) -> None:
    assert list(nodes.replicas("gateway").values()) == ["head"]
    assert sorted(nodes.replicas("engine").values()) == ["n1", "n2"]


def test_openai_client(client: openai.OpenAI) -> None:
    chat = client.chat.completions.create(
        model="smollm2", max_tokens=8, messages=[{"role": "user", "content": "Say hello."}]
    )
    assert chat.choices[0].message.content
    assert chat.usage is not None
    assert chat.usage.completion_tokens == 8
    completion = client.completions.create(model="smollm2", prompt="One, two,", max_tokens=4)
    assert completion.choices[0].text
    assert len(client.embeddings.create(model="all-minilm-l6-v2", input="Hello").data[0].embedding) == 384
    assert {"smollm2", "all-minilm-l6-v2", "smollm2:poet"} <= {each.id for each in client.models.list()}


def test_stream_comes_piece_by_piece(client: openai.OpenAI) -> None:
    events = client.chat.completions.create(
        model="smollm2",
        max_tokens=24,
        messages=[{"role": "user", "content": "Say hello."}],
        stream=True,
        extra_body={"ignore_eos": True},
    )
    arrived = [(time.monotonic(), event) for event in events]
    assert arrived[-1][1].choices[0].finish_reason == "length"
    assert arrived[-1][0] > arrived[0][0]
    assert len(arrived) > 12


def test_errors_keep_their_form(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hi"}])
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="smollm2", max_tokens=0, messages=[{"role": "user", "content": "Hi"}])
    assert wrong.value.param == "max_tokens"


def test_large_bodies_arrive_whole_or_not_at_all(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(model="smollm2", messages=[{"role": "user", "content": "word " * 100_000}])
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.APIStatusError) as large:
        client.chat.completions.create(model="smollm2", messages=[{"role": "user", "content": "word " * 300_000}])
    assert large.value.status_code == 413


def test_equal_beginnings_go_to_the_same_replica(client: openai.OpenAI) -> None:
    cached = []
    for number in range(6):
        answer = client.chat.completions.create(
            model="smollm2", max_tokens=1, messages=[{"role": "user", "content": f"{LONG} What is number {number}?"}]
        )
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        cached.append(answer.usage.prompt_tokens_details.cached_tokens or 0)
    assert not cached[0]
    assert all(each > 100 for each in cached[1:]), cached


def test_adapters_stay_where_they_are(client: openai.OpenAI, nodes: Nodes) -> None:
    said = {}
    for _ in range(8):
        for name in ("smollm2", *(f"smollm2:{each}" for each in ADAPTERS)):
            answer = client.chat.completions.create(
                model=name, max_tokens=4, temperature=0, messages=[{"role": "user", "content": "Say hello."}]
            )
            said[name] = answer.choices[0].message.content
    assert len(set(said.values())) == 3
    assert len(ADAPTERS) <= sum(nodes.ask("figure", name="adapters_loaded")) < 2 * len(ADAPTERS)


def test_who_leaves_frees_the_engine(client: openai.OpenAI, nodes: Nodes) -> None:
    events = client.chat.completions.create(
        model="smollm2",
        max_tokens=1800,
        messages=[{"role": "user", "content": "Tell a story without an end."}],
        stream=True,
        extra_body={"ignore_eos": True},
    )
    next(iter(events))
    assert any(nodes.ask("used"))
    events.close()
    _until(lambda: not any(nodes.ask("used")), 10)


def test_updates_lose_no_request(nodes: Nodes, config: Path) -> None:
    before = nodes.replicas("engine"), nodes.replicas("gateway")
    with load(nodes.url, "smollm2") as running:
        config.write_text(config.read_text().replace("models:\n", "models:\n  another: {provider: engine}\n"))
        _deployed(nodes, config)
    assert set(running.counted) <= {"whole", "done"}
    assert running.counted.total()
    after = nodes.replicas("engine"), nodes.replicas("gateway")
    assert not set(before[0]) & set(after[0])
    assert not set(before[1]) & set(after[1])
    with openai.OpenAI(base_url=f"{nodes.url}/v1", api_key="x", timeout=PATIENCE) as client:
        assert "another" in [each.id for each in client.models.list()]


def test_what_cannot_be_served_changes_nothing(nodes: Nodes, config: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(config.read_text().replace("kv_cache:", "kv_cach:"))
    done = nodes.deploy(str(wrong))
    assert done.returncode == 1
    assert "kv_cach" in done.stderr
    assert len(nodes.replicas("engine")) == 2


def test_a_lost_node_costs_no_answer_and_its_capacity_comes_back(nodes: Nodes) -> None:
    _until(lambda: sorted(nodes.replicas("engine").values()) == ["n1", "n2"])
    with load(nodes.url, "smollm2", streams=4, tokens=200) as running:
        _until(lambda: running.counted["whole"] > 3 and all(nodes.ask("used")))  # and streams are on both
        assert set(running.counted) <= {"whole", "done"}
        nodes.ask("kill", node="n1")
        _until(lambda: list(nodes.replicas("engine").values()) == ["n2", "n2"])
        served = running.counted.total()
        _until(lambda: running.counted.total() > served + 8)
    # Whole answers are asked for again, elsewhere; a stream of which something has been sent can only be broken off.
    assert set(running.counted) <= {"whole", "done", "broken"}
    assert 0 < running.counted["broken"] <= 4


def _deployed(nodes: Nodes, config: Path) -> None:
    done = nodes.deploy(str(config))
    assert done.returncode == 0, done.stderr


def _until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)
