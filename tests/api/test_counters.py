"""A table of what may become of a request, and what the counters then say: through a socket, streamed and not."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from forebay.app import assemble
from forebay.core.errors import UpstreamError
from forebay.core.types import Call, Deployment, Event, Reply, Stream, Usage
from forebay.settings import (
    AuthSettings,
    CacheSettings,
    CoolDownSettings,
    DeploymentSettings,
    FallbackSettings,
    HedgeSettings,
    IssuedKeySettings,
    KeySettings,
    LogSettings,
    ModelSettings,
    RetrySettings,
    Secret,
    Settings,
    StoreSettings,
    section,
)
from forebay.settings.guards import GuardSettings, RuleSettings
from tests.api.conftest import STREAM, WHOLE, chunk
from tests.support.scripted import Scripted
from tests.support.serving import Running, serving
from tests.support.until import until

FIRST = Event(chunk({"role": "assistant", "content": "H"}))


class Answering(Scripted):
    """Streams, or answers whole, as it is asked to; ``faults`` come before the first answer."""

    def __init__(self, faults: int = 0) -> None:
        super().__init__(WHOLE, Usage(3, 1))
        self.faults = faults

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        if self.faults:
            self.faults -= 1
            raise UpstreamError("It is broken.")
        self.script = STREAM if call.request.stream else WHOLE
        return await super().answer(call, deployment)


class Hanging(Scripted):
    """Never answers, or streams one piece and then no more."""

    def __init__(self, *, first: bool) -> None:
        super().__init__([], Usage(3, 1))
        self._first = first

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        if self._first and call.request.stream:
            return await super().answer(call, deployment)
        self.running += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.running -= 1
        raise AssertionError

    async def _events(self) -> AsyncGenerator[Event, None]:
        self.running += 1
        try:
            yield FIRST
            await asyncio.Event().wait()
        finally:
            self.running -= 1


class Breaking(Answering):
    """Streams one piece and breaks."""

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        reply = await super().answer(call, deployment)
        if isinstance(reply, Stream):
            await reply.events.aclose()
            self.script = [STREAM[0], UpstreamError("cut")]
            return await Scripted.answer(self, call, deployment)
        raise UpstreamError("cut")


def model(*providers: str, **options: Any) -> ModelSettings:
    return ModelSettings(
        tuple(DeploymentSettings(each, "x") for each in providers),
        **{"retries": RetrySettings(0), "cool_down": CoolDownSettings(0), "cache": "off", **options},
    )


MODELS = {
    "plain": model("good"),
    "cached": model("good", cache="exact"),
    "dead": model("bad"),
    "flaky": model("flaky", retries=RetrySettings(1, base=0.001)),
    "second": model("bad", "good"),
    "away": model("bad", fallbacks=FallbackSettings(("plain",))),
    "hedged": model("slow", "good", hedge=HedgeSettings(0.02, 0.01)),
    "hanging": model("hanging"),
    "breaking": model("breaking"),
}
SETTINGS = Settings(
    auth=AuthSettings((KeySettings(Secret("sk"), "alice", "team", admin=True),)),
    models=MODELS,
    cache=CacheSettings(section("memory", {})),
    guards={
        "words": GuardSettings(RuleSettings(("input",), "exception"), section("ban_list", {"words": ["forbidden"]}))
    },
    log=LogSettings(requests=False),
)


@contextlib.asynccontextmanager
async def served(
    settings: Settings = SETTINGS,
) -> AsyncIterator[tuple[Running, dict[str, Scripted], aiohttp.ClientSession]]:
    providers: dict[str, Scripted] = {
        "good": Answering(),
        "bad": Answering(faults=10**6),
        "flaky": Answering(faults=1),
        "slow": Hanging(first=False),
        "hanging": Hanging(first=True),
        "breaking": Breaking(),
    }
    async with (
        serving(assemble(settings, providers)) as running,
        aiohttp.ClientSession(headers={"authorization": "Bearer sk"}) as http,
    ):
        yield running, providers, http


Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


async def figures(running: Running, http: aiohttp.ClientSession) -> Samples:
    async with http.get(f"{running.url}/metrics") as reply:
        text = await reply.text()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def counted(found: Samples, name: str, **labels: str) -> float:
    wanted = labels.items()
    return sum(value for key, value in found.get(name, {}).items() if wanted <= set(key))


async def chat(http: aiohttp.ClientSession, running: Running, **fields: Any) -> int:
    body = {"messages": [{"role": "user", "content": "Hi"}], **fields}
    async with http.post(f"{running.url}/v1/chat/completions", json=body) as reply:
        await reply.read()
        return reply.status


Row = tuple[str, dict[str, Any], int, tuple[str, str], dict[str, dict[str, str]]]
"""Model and fields of a request, the status it gets, status and outcome as they are counted, and what else counts."""

TABLE: list[Row] = [
    ("plain", {}, 200, ("200", "ok"), {}),
    ("dead", {}, 502, ("502", "error"), {"forebay_failed_attempts_total": {"deployment": "bad/x"}}),
    ("flaky", {}, 200, ("200", "ok"), {"forebay_retries_total": {}, "forebay_failed_attempts_total": {}}),
    ("second", {}, 200, ("200", "ok"), {"forebay_fallbacks_total": {"deployment": "good/x"}}),
    ("away", {}, 200, ("200", "ok"), {"forebay_fallbacks_total": {"model": "plain", "deployment": "good/x"}}),
    ("hedged", {}, 200, ("200", "ok"), {"forebay_hedges_total": {"deployment": "good/x"}}),
    (
        "plain",
        {"messages": [{"role": "user", "content": "a forbidden word"}]},
        400,
        ("400", "error"),
        {"forebay_guard_verdicts_total": {"guard": "words", "outcome": "refused"}},
    ),
    ("none", {}, 404, ("404", "error"), {}),
    ("plain", {"messages": []}, 400, ("400", "error"), {}),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "fields", "status", "ended", "others"), TABLE, ids=[f"{row[0]}-{row[2]}" for row in TABLE]
)
async def test_each_request_is_counted_once_as_what_it_was(  # noqa: PLR0913  # a row of the table
    name: str,
    fields: dict[str, Any],
    status: int,
    ended: tuple[str, str],
    others: dict[str, dict[str, str]],
    *,
    stream: bool,
) -> None:
    async with served() as (running, _, http):
        assert await chat(http, running, model=name, stream=stream, **fields) == status
        found = await figures(running, http)
    assert counted(found, "forebay_requests_total") == 1
    assert counted(found, "forebay_requests_total", status=ended[0], outcome=ended[1]) == 1
    for metric, labels in others.items():
        assert counted(found, metric, **labels) == 1, metric
    for metric in ("forebay_retries_total", "forebay_fallbacks_total", "forebay_hedges_total"):
        assert metric in others or counted(found, metric) == 0, metric
    answered = status == 200
    assert counted(found, "forebay_output_tokens_total") == (1 if answered else 0)
    assert counted(found, "forebay_time_to_first_token_seconds_count") == answered
    assert counted(found, "forebay_request_duration_seconds_count") == 1
    assert counted(found, "forebay_overhead_seconds_count") == 1
    assert counted(found, "forebay_cost_unknown_total") == answered


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hit_is_counted_as_one_and_costs_nothing(*, stream: bool) -> None:
    async with served() as (running, providers, http):
        for _ in range(2):
            assert await chat(http, running, model="cached", stream=stream) == 200
        found = await figures(running, http)
    assert len(providers["good"].calls) == 1
    assert counted(found, "forebay_requests_total", status="200", outcome="ok") == 2
    assert counted(found, "forebay_requests_total", deployment="cache", cache="hit") == 1
    assert counted(found, "forebay_requests_total", deployment="good/x", cache="miss") == 1
    assert counted(found, "forebay_cache_requests_total", result="hit") == 1
    assert counted(found, "forebay_cache_requests_total", result="miss") == 1
    assert counted(found, "forebay_cost_unknown_total", deployment="cache") == 0
    assert counted(found, "forebay_time_to_first_token_seconds_count") == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_over_the_limit_is_counted_as_refused(tmp_path: Path, *, stream: bool) -> None:
    issued = msgspec.structs.replace(SETTINGS.auth, issued_keys=IssuedKeySettings(Secret("p" * 32)))
    store = StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}"))
    async with served(msgspec.structs.replace(SETTINGS, auth=issued, store=store)) as (running, _, http):
        async with http.post(f"{running.url}/admin/keys", json={"name": "carol", "rpm": 1}) as reply:
            key = (await reply.json())["key"]
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as hers:
            async with asyncio.timeout(5):
                while await chat(hers, running, model="plain", stream=stream) == 401:  # noqa: ASYNC110  # it has no event
                    await asyncio.sleep(0.02)  # processes learn of a new key within half a second
            assert await chat(hers, running, model="plain", stream=stream) == 429
        found = await figures(running, http)
    assert counted(found, "forebay_requests_total", status="429", outcome="error") == 1
    assert counted(found, "forebay_requests_total", status="200", outcome="ok") == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_is_counted_as_aborted(*, stream: bool) -> None:
    async with served() as (running, providers, http):
        body = {"model": "hanging", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
        asking = asyncio.create_task(chat(http, running, **body))
        await until(lambda: providers["hanging"].running)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        await until(lambda: not providers["hanging"].running)
        await running.until(lambda: running.open_connections == 0)
        found = await figures(running, http)
    assert counted(found, "forebay_requests_total", status="499", outcome="aborted") == 1
    assert counted(found, "forebay_requests_total") == 1
    assert counted(found, "forebay_failed_attempts_total") == 0


async def test_a_stream_that_breaks_is_counted_as_broken() -> None:
    async with served() as (running, _, http):
        assert await chat(http, running, model="breaking", stream=True) == 200
        found = await figures(running, http)
    assert counted(found, "forebay_requests_total", status="502", outcome="broken") == 1
    assert counted(found, "forebay_failed_attempts_total", deployment="breaking/x", outcome="upstream_error") == 1
    assert counted(found, "forebay_time_to_first_token_seconds_count") == 1


async def test_without_a_key_it_is_counted_as_refused() -> None:
    async with served() as (running, _, http):
        async with http.post(f"{running.url}/v1/chat/completions", headers={"authorization": "Bearer x"}) as reply:
            assert reply.status == 401
        found = await figures(running, http)
    assert counted(found, "forebay_requests_total", status="401", outcome="error", model="") == 1
