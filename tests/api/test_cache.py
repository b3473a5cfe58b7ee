"""The cache as a client meets it: over HTTP, with OpenAI's own client."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest

from forebay.settings import Settings, cache_settings
from tests.api.conftest import STREAM, WHOLE, Serve
from tests.support.serving import Running

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
CACHED = Settings(cache=cache_settings("memory"))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(
    http: aiohttp.ClientSession, running: Running, body: dict[str, Any], **headers: str
) -> tuple[int, str, Any]:
    """Status, what the cache did, and the answer."""
    url = f"{running.url}/v1/chat/completions"
    async with http.post(
        url, json=body, headers={name.replace("_", "-"): each for name, each in headers.items()}
    ) as got:
        text = await got.read()
        return got.status, got.headers.get("x-cache", ""), json.loads(text) if text.startswith(b"{") else text


async def test_openai_s_client_gets_a_hit_plain_and_streamed(serve: Serve) -> None:
    async with (
        serve(STREAM, CACHED) as (running, provider),
        openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as sdk,
    ):
        stream = await sdk.chat.completions.create(**BODY, stream=True)
        first = "".join([piece.choices[0].delta.content or "" async for piece in stream])
        raw = await sdk.chat.completions.with_raw_response.create(**BODY)
        whole = raw.parse()
        stream = await sdk.chat.completions.create(**BODY, stream=True, stream_options={"include_usage": True})
        pieces = [piece async for piece in stream]
    assert raw.headers["x-cache"] == "HIT"
    assert raw.headers["age"] == "0"
    assert raw.headers["x-forebay-cost"] == "0"
    assert raw.headers["x-forebay-deployment"] == "cache"
    assert whole.choices[0].message.content == first == "Hi"
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.total_tokens == 4
    assert len(provider.calls) == 1


async def test_the_field_cache_is_obeyed_and_never_sent_on(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve(WHOLE, CACHED) as (running, provider):
        wishing = BODY | {"cache": {"ttl": 60, "namespace": "a", "s-maxage": 10}}
        assert (await ask(http, running, wishing))[1] == "MISS"
        assert (await ask(http, running, wishing))[1] == "HIT"
        assert (await ask(http, running, BODY))[1] == "MISS"
        assert (await ask(http, running, BODY | {"cache": {"no-cache": True}}))[1] == "REFRESH"
        assert (await ask(http, running, BODY, cache_control="no-cache, no-store"))[1] == "BYPASS"
        assert all("cache" not in call.request.fields() for call, _ in provider.calls)


async def test_without_a_cache_the_field_is_not_sent_on_either(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve(WHOLE) as (running, provider):
        assert (await ask(http, running, BODY | {"cache": {"ttl": 60}}))[:2] == (200, "")
        assert "cache" not in provider.calls[0][0].request.fields()


@pytest.mark.parametrize(
    ("cache", "param"),
    [
        ({"ttl": -1}, "cache.ttl"),
        ({"ttl": "1h"}, "cache.ttl"),
        ({"mode": "fuzzy"}, "cache.mode"),
        ({"threshold": 1.5}, "cache.threshold"),
        ({"namespace": "x" * 129}, "cache.namespace"),
        ({"no-cache": "yes"}, "cache.no-cache"),
        (True, "cache"),
    ],
)
async def test_a_wish_that_cannot_be_understood_is_told_by_field(
    serve: Serve, http: aiohttp.ClientSession, cache: Any, param: str
) -> None:
    async with serve(WHOLE, CACHED) as (running, _):
        status, _, answer = await ask(http, running, BODY | {"cache": cache})
    assert (status, answer["error"]["param"]) == (400, param)


async def test_an_unknown_wish_is_refused_too(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve(WHOLE, CACHED) as (running, _):
        status, _, answer = await ask(http, running, BODY | {"cache": {"tll": 1}})
    assert status == 400
    assert "tll" in answer["error"]["message"]


async def test_hits_are_counted_and_cost_nothing(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve(WHOLE, CACHED) as (running, _):
        for _ in range(3):
            await ask(http, running, BODY)
        async with http.get(f"{running.url}/metrics") as answer:
            text = await answer.text()
    assert 'forebay_cache_requests_total{model="m",result="hit"} 2' in text
    assert 'forebay_cache_requests_total{model="m",result="miss"} 1' in text
    assert 'forebay_cache_stored_total{store="memory"} 1' in text
    assert 'forebay_cache_entries{store="memory"} 1' in text
    assert 'forebay_cost_dollars_total{model="m",deployment="cache"} 0' in text


async def test_clients_of_another_dialect_share_the_cache(serve: Serve, http: aiohttp.ClientSession) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
    async with serve(WHOLE, CACHED) as (running, provider):
        found = []
        for _ in range(2):
            async with http.post(f"{running.url}/v1/messages", json=body) as answer:
                found.append((answer.headers["x-cache"], (await answer.json())["content"][0]["text"]))
    assert found == [("MISS", "Hi"), ("HIT", "Hi")]
    assert len(provider.calls) == 1
