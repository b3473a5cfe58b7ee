"""Several real models in one process, within one limit: they come, answer as before, go, and give their memory back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from forebay.core.adapters import AdapterSource
from forebay.core.errors import NotFoundError, UnavailableError
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Stream, Trace, Whole
from forebay.engine import memory
from forebay.engine.errors import NoRoomError
from forebay.engine.options import AdapterSettings, EngineSettings
from forebay.engine.provider import EngineProvider
from forebay.engine.residency import Residency
from forebay.generation import generation
from forebay.settings import load
from tests.support import lora, tiny

pytestmark = pytest.mark.engine

MIB = 1024 * 1024
DEPLOYMENT = Deployment("engine/m", "engine", "m")


def asked(*, stream: bool = False, **body: Any) -> Call:
    body = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "seed": 1, **body}
    request = Request(Operation.CHAT, "m", json.dumps(body).encode(), stream)
    return Call("req_1", request, Principal("alice"), Trace(accepted=0.0))


async def text(provider: EngineProvider, **body: Any) -> str:
    reply = await provider.answer(asked(**body), DEPLOYMENT)
    assert isinstance(reply, Whole)
    found: str = json.loads(reply.body)["choices"][0]["message"]["content"]
    return found


def resident() -> float:
    return float(psutil.Process().memory_info().rss)


@pytest.fixture
def ggufs(own_home: Path, tmp_path: Path) -> list[Path]:
    """Two tiny models."""
    assert own_home
    paths = [tmp_path / "one.gguf", tmp_path / "two.gguf"]
    for path in paths:
        path.write_bytes(tiny.llama())
    return paths


async def test_two_models_take_turns_where_one_fits(ggufs: list[Path]) -> None:
    """As it is configured; and each answers after its return as it did before."""
    size = memory.WORKING + 4 * MIB
    settings = load(
        f"""
engine: {{memory: {size}}}
providers:
  one: {{kind: engine, model: {ggufs[0]}, kv_cache: 1MiB, load: demand}}
  two: {{kind: engine, model: {ggufs[1]}, kv_cache: 1MiB, load: demand}}
models: {{one: {{provider: one}}, two: {{provider: two}}}}
""",
        source="test",
        environ={},
    )
    one, two = generation(settings).providers.values()
    assert isinstance(one, EngineProvider)
    assert isinstance(two, EngineProvider)
    for provider in (one, two):
        await provider.start()
        assert provider.failure() is None
    said = [await text(provider, max_tokens=20) for provider in (one, two, one, two)]
    assert said[:2] == said[2:]
    assert (one.gauges()["loaded"], two.gauges()["loaded"]) == (0, 1)
    assert (one.gauges()["loads_total"], one.gauges()["unloads_total"]) == (2, 2)
    for provider in (one, two):
        await provider.close()


def test_another_configuration_has_the_same_memory(ggufs: list[Path]) -> None:
    text = "engine: {memory: 4GiB}\nproviders: {one: {kind: engine, model: %s, load: %s}}"
    first = generation(load(text % (ggufs[0], "demand"), source="test", environ={}))
    second = generation(load(text % (ggufs[0], "start"), source="test", environ={}), first)
    assert second.residency is first.residency
    (old,), (new,) = first.providers.values(), second.providers.values()
    assert isinstance(old, EngineProvider)
    assert isinstance(new, EngineProvider)
    assert new is not old
    assert new.resident.residency is old.resident.residency is first.residency


async def test_while_one_is_streaming_the_other_has_to_wait(ggufs: list[Path]) -> None:
    residency = Residency(memory.WORKING + 4 * MIB, patience=0.05)
    options = {"kv_cache": MIB, "load": "demand"}
    one, two = (EngineProvider(EngineSettings(model=str(path), **options), path.stem) for path in ggufs)  # type: ignore[arg-type]
    for provider in (one, two):
        provider.live_in(residency)
        await provider.start()
    reply = await one.answer(asked(stream=True, max_tokens=5, ignore_eos=True), DEPLOYMENT)
    assert isinstance(reply, Stream)
    with pytest.raises(UnavailableError, match="no room in memory for 'two' now"):
        await text(two, max_tokens=5)
    async for event in reply.events:
        assert event.data
    await reply.events.aclose()
    assert await text(two, max_tokens=5, ignore_eos=True)
    for provider in (one, two):
        await provider.close()


async def test_its_adapters_are_known_while_it_is_away_and_come_back_with_it(ggufs: list[Path], tmp_path: Path) -> None:
    folder = lora.write(tmp_path / "adapters" / "mine", lora.tensors(lora.TINY, 1)).parent
    adapters = AdapterSettings(str(folder), max_bytes=MIB)
    settings = EngineSettings(model=str(ggufs[0]), kv_cache=MIB, load="demand", adapters=adapters)
    provider = EngineProvider(settings)
    await provider.start()
    assert await provider.adapters(DEPLOYMENT) == ["mine"]
    assert not provider.resident.is_present
    await provider.load_adapter(DEPLOYMENT, AdapterSource("yours", "mine"))
    adapted = msgspec.structs.replace(DEPLOYMENT, adapter="yours")
    said = []
    for _ in range(2):
        reply = await provider.answer(asked(max_tokens=10), adapted)
        assert isinstance(reply, Whole)
        said.append(json.loads(reply.body)["choices"])
        await provider.resident.evict()
        assert await provider.adapters(DEPLOYMENT) == ["mine", "yours"]
    assert said[0] == said[1]
    await provider.unload_adapter(DEPLOYMENT, "yours")
    assert not provider.resident.is_present
    assert await provider.adapters(DEPLOYMENT) == ["mine"]
    with pytest.raises(NotFoundError):
        await provider.unload_adapter(DEPLOYMENT, "yours")
    await provider.close()


async def test_what_is_to_be_loaded_at_the_start_has_to_fit(ggufs: list[Path]) -> None:
    residency = Residency(memory.WORKING + 4 * MIB)
    one, two = (EngineProvider(EngineSettings(model=str(path), kv_cache=MIB)) for path in ggufs)
    for provider in (one, two):
        provider.live_in(residency)
    await one.start()
    with pytest.raises(NoRoomError, match="Give some of them 'load: demand'"):
        await two.start()
    for provider in (one, two):
        await provider.close()


async def test_a_model_that_cannot_be_loaded_is_told_to_clients_without_its_path(tmp_path: Path) -> None:
    provider = EngineProvider(EngineSettings(model=str(tmp_path / "nothing.gguf"), load="demand"))
    await provider.start()
    with pytest.raises(UnavailableError, match="could not be loaded; the server's log says why"):
        await text(provider)
    await provider.close()


async def test_loading_counts_as_the_providers_time(ggufs: list[Path]) -> None:
    provider = EngineProvider(EngineSettings(model=str(ggufs[0]), kv_cache=MIB, load="demand"))
    await provider.start()
    times = []
    for _ in range(2):
        call = asked(max_tokens=1)
        await provider.answer(call, DEPLOYMENT)
        times.append(call.trace.provider_answered - call.trace.provider_started)
    assert times[0] > times[1]
    await provider.close()


@pytest.mark.slow
async def test_the_default_model_gives_its_memory_back(smollm2: Path) -> None:
    """What it takes is about what was told, and most of it is free again; the libraries' own memory stays."""
    settings = EngineSettings(model=str(smollm2), kv_cache=256 * MIB, load="demand", max_tokens=8)
    provider = EngineProvider(settings)
    await provider.start()
    await text(provider)
    await provider.resident.evict()
    before = resident()
    long = [{"role": "user", "content": "word " * 500}]
    await asyncio.gather(*(text(provider, messages=long) for _ in range(4)))
    taken = resident() - before
    told = memory.estimate(smollm2, cache=256 * MIB)
    assert provider.gauges()["memory_bytes"] == told
    assert 0.3 * told < taken < 1.1 * told
    await provider.resident.evict()
    assert resident() - before < 0.25 * taken
    await provider.close()
