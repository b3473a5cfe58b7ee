"""The provider with a program that behaves like ``vllm serve``, in processes of its own."""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from forebay.core.errors import ForebayError, UnavailableError, UpstreamError
from forebay.core.ports import Exposing, Provider
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Stream, Trace, Whole
from forebay.gateway.route import Route
from forebay.gateway.target import Model, Target
from forebay.plugins import PROVIDERS, PreparationError
from forebay.providers.child.supervisor import StartError
from forebay.providers.vllm import engine
from forebay.providers.vllm.provider import VLLMProvider, plugin
from forebay.providers.vllm.settings import VLLMSettings
from forebay.settings import section
from tests.support.scripted import Scripted
from tests.support.standin import kill, left_over, options, starts
from tests.support.until import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups and signals")

DEPLOYMENT = Deployment("v/whatever", "v", "whatever")


def call(order: str = "hello", *, stream: bool = False) -> Call:
    body = {"model": "m", "messages": [{"role": "user", "content": order}], "stream": stream}
    request = Request(Operation.CHAT, "m", json.dumps(body).encode(), stream)
    return Call("req_1", request, Principal("a"), Trace(time.perf_counter()))


@contextlib.asynccontextmanager
async def vllm(**keys: Any) -> AsyncIterator[VLLMProvider]:
    provider = VLLMProvider("v", section("vllm", keys).read(VLLMSettings))
    try:
        await provider.start()
        yield provider
    finally:
        await provider.close()


async def said(provider: Provider, order: str = "hello", deployment: Deployment = DEPLOYMENT) -> str:
    reply = await provider.answer(call(order), deployment)
    assert isinstance(reply, Whole)
    answer: str = json.loads(reply.body)["choices"][0]["message"]["content"]
    return answer


async def streamed(provider: Provider, order: str) -> AsyncIterator[bytes]:
    reply = await provider.answer(call(order, stream=True), DEPLOYMENT)
    assert isinstance(reply, Stream)
    async with contextlib.aclosing(reply.events) as events:
        async for event in events:
            yield event.data


async def test_it_answers_whatever_the_configuration_calls_its_model(tmp_path: Path) -> None:
    async with vllm(**options(tmp_path)) as provider:
        assert await said(provider) == "hello by tiny"
        pieces = [piece async for piece in streamed(provider, "hi")]
        assert pieces[-1].endswith(b"data: [DONE]\n\n")
        assert provider.failure() is None
        assert provider.gauges() == {"ready": 1.0, "restarts_total": 0.0}
        (start,) = starts(tmp_path)
        assert len(start.key) > 30
        assert not any(start.key in argument for argument in start.arguments)
        assert start.arguments[:2] == ["serve", str(tmp_path / "tiny")]
    assert not left_over(tmp_path)


async def test_before_its_start_it_is_not_ready() -> None:
    provider = VLLMProvider("v", VLLMSettings(model="m"))
    assert provider.failure() == "vLLM cannot answer: it is starting"
    with pytest.raises(UnavailableError):
        await said(provider)
    await provider.close()


async def test_a_crash_breaks_the_streams_and_it_comes_back(tmp_path: Path) -> None:
    async with vllm(**options(tmp_path, start_seconds=0.3)) as provider:
        bystander = streamed(provider, "endless")
        assert b"tick" in await anext(bystander) + await anext(bystander)
        broken = streamed(provider, "crash")
        assert b"crash" in await anext(broken)
        with pytest.raises(UpstreamError):
            await anext(broken)
        with pytest.raises(UpstreamError):
            [_ async for _ in bystander]
        await until(lambda: provider.failure() is not None)
        with pytest.raises(UnavailableError, match="being started again, because it ended with status 3") as caught:
            await said(provider)
        assert int(caught.value.headers["retry-after"]) >= 1
        fallback = Scripted([b'{"choices": [1]}'])
        targets = (Target(DEPLOYMENT, provider), Target(Deployment("f/m", "f", "m"), fallback))
        route = Route({"m": Model("m", targets)})
        assert isinstance(await route(call()), Whole)
        assert len(fallback.calls) == 1
        await until(lambda: provider.failure() is None)
        assert await said(provider) == "hello by tiny"
        first, second = starts(tmp_path)
        assert first.key != second.key
        assert provider.gauges()["restarts_total"] == 1
    assert not left_over(tmp_path)


async def test_who_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.providers.child.supervisor.HEALTH_EVERY", 0.05)
    monkeypatch.setattr("forebay.providers.vllm.endpoint.HEALTH", DEPLOYMENT.timeouts.__class__(0.2, 0.2, 0.2, 0.2))
    async with vllm(**options(tmp_path), health_timeout=0.5) as provider:
        hanging = streamed(provider, "hang")
        await anext(hanging)
        with pytest.raises(UpstreamError):
            await anext(hanging)
        await until(lambda: len(starts(tmp_path)) == 2 and provider.failure() is None)
        assert await said(provider) == "hello by tiny"


async def test_its_metrics_are_fetched_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.providers.vllm.figures.FETCH_EVERY", 0.05)
    async with vllm(**options(tmp_path)) as provider:
        assert isinstance(provider, Exposing)
        await said(provider)

        def answered() -> list[str]:
            families = {family.name: family for family in provider.families()}
            assert not any(name.startswith("python") for name in families)
            return [sample.value for sample in families["vllm:request_success_total"].samples] if families else []

        await until(lambda: answered() == ["1.0"])
        monkeypatch.setattr("forebay.providers.vllm.figures.STALE_SECONDS", 0.1)
        kill(starts(tmp_path)[0].pid)
        await until(lambda: not provider.families())


async def test_a_mistake_at_the_start_is_told_with_its_cause(tmp_path: Path) -> None:
    keys = options(tmp_path, says="ValueError: no such dtype", dies_after=0, chatter=5000)
    with pytest.raises(StartError, match="ended with status 1 before it was ready: ValueError: no such dtype"):
        async with vllm(**keys):
            pass
    assert not left_over(tmp_path)


async def test_an_unknown_option_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="unrecognized arguments: --no-such-option"):
        async with vllm(**options(tmp_path), args={"no-such-option": True}):
            pass


async def test_a_port_that_somebody_else_took_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = engine._free_port
        first = iter([taken.getsockname()[1]])
        monkeypatch.setattr(engine, "_free_port", lambda host: next(first, None) or free(host))
        async with vllm(**options(tmp_path)) as provider:
            assert await said(provider) == "hello by tiny"
            assert len(starts(tmp_path)) == 2


async def test_a_port_of_ones_own_choice_is_not_changed(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(StartError, match="Address already in use"):
            async with vllm(**options(tmp_path), port=taken.getsockname()[1]):
                pass
        assert len(starts(tmp_path)) == 1


async def test_one_that_does_not_want_to_end_is_ended(tmp_path: Path) -> None:
    async with vllm(**{**options(tmp_path, stubborn=True), "stop_timeout": 0.2}) as provider:
        assert await said(provider)
    assert not left_over(tmp_path)


async def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    provider = VLLMProvider("v", msgspec.convert(options(tmp_path, start_seconds=600), VLLMSettings))
    starting = asyncio.create_task(provider.start())
    await until(lambda: starts(tmp_path))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await provider.close()
    assert not left_over(tmp_path)


async def test_one_that_runs_already_is_used_and_left_alone(tmp_path: Path) -> None:
    async with vllm(**options(tmp_path, start_seconds=0)) as owner:
        (start,) = starts(tmp_path)
        url = f"http://127.0.0.1:{start.arguments[start.arguments.index('--port') + 1]}/v1/"
        async with vllm(url=url, api_key=start.key, model="tiny") as attached:
            assert attached.failure() is None
            assert await said(attached) == "hello by tiny"
            assert attached.operations == {
                Operation.CHAT,
                Operation.COMPLETION,
                Operation.EMBEDDING,
                Operation.RERANK,
                Operation.TRANSCRIPTION,
                Operation.TRANSLATION,
            }
        async with vllm(url=url, api_key="wrong", model="tiny") as attached:
            with pytest.raises(ForebayError, match="refused the credentials"):
                await said(attached)
        assert await said(owner) == "hello by tiny"


async def test_one_that_does_not_run_yet_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.providers.vllm.attached.HEALTH_EVERY", 0.05)
    async with vllm(**options(tmp_path)) as owner:
        (start,) = starts(tmp_path)
        port = int(start.arguments[start.arguments.index("--port") + 1])
        await owner.close()
        async with vllm(url=f"http://127.0.0.1:{port}", health_timeout=0.3) as attached:
            assert attached.failure() == "vLLM cannot answer: it does not answer GET /health"
            with pytest.raises(UnavailableError):
                await said(attached)
            async with vllm(**options(tmp_path / "other"), port=port):
                await until(lambda: attached.failure() is None)
            await until(lambda: attached.failure() is not None)


def test_what_is_missing_is_told_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(**keys: Any) -> None:
        assert plugin.prepare
        plugin.prepare(msgspec.convert(keys, VLLMSettings), lambda *_: None)

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreparationError, match="pip install vllm"):
        prepare(model="m")
    with pytest.raises(PreparationError, match="'/no/vllm' of the key 'command'"):
        prepare(model="m", command=["/no/vllm"])
    with pytest.raises(PreparationError, match="there is no '/no/model', which the key 'model'"):
        prepare(model="/no/model", command=[sys.executable])
    with pytest.raises(PreparationError, match="'adapters'"):
        prepare(model="m", command=[sys.executable], adapters="nowhere")
    prepare(model="org/model", command=[sys.executable], adapters=str(tmp_path))
    prepare(url="http://127.0.0.1:1")


def test_it_is_installed_as_a_kind() -> None:
    assert PROVIDERS.plugin("vllm") is plugin
    assert plugin.per_host
