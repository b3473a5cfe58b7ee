"""Paths, methods, and what the people who run a server ask it."""

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from forebay.core.errors import UpstreamError
from tests.api.conftest import WHOLE, Serve

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/models/", 404, "not_found"),
        ("GET", "/v1/models/other", 404, "model_not_found"),
        ("GET", "/nothing.html", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models/m", 405, "method_not_allowed"),
    ],
)
async def test_errors_of_paths_and_methods(serve: Serve, method: str, path: str, status: int, code: str) -> None:
    async with (
        serve(WHOLE) as (running, _),
        aiohttp.ClientSession() as http,
        http.request(method, running.url + path) as reply,
    ):
        assert reply.status == status
        assert (await reply.json())["error"]["code"] == code
        assert status != 405 or reply.headers["allow"]


async def test_models(serve: Serve) -> None:
    async with serve(WHOLE) as (running, _), aiohttp.ClientSession() as http:
        async with http.get(f"{running.url}/v1/models") as reply:
            listed = await reply.json()
        async with http.get(f"{running.url}/v1/models/m") as reply:
            assert await reply.json() == listed["data"][0]
    assert listed["object"] == "list"
    assert {key: listed["data"][0][key] for key in ("id", "object", "owned_by")} == {
        "id": "m",
        "object": "model",
        "owned_by": "p",
    }
    assert "chat/completions" in listed["data"][0]["operations"]
    assert "files" not in listed["data"][0]["operations"]


async def test_ready_names_the_provider_that_is_not(serve: Serve) -> None:
    async with serve(WHOLE) as (running, provider), aiohttp.ClientSession() as http:
        async with http.get(f"{running.url}/ready") as reply:
            assert reply.status == 200
        provider.trouble = "The engine's thread died."
        async with http.get(f"{running.url}/ready") as reply:
            assert reply.status == 503
            assert (await reply.json())["providers"] == {"p": "The engine's thread died."}
        async with http.get(f"{running.url}/health") as reply:
            assert reply.status == 200


async def test_ready_tells_of_the_provider_that_was_asked_in_vain(serve: Serve) -> None:
    async with serve([UpstreamError("x")]) as (running, provider), aiohttp.ClientSession() as http:
        answers = []
        for script in (None, [UpstreamError("x")], WHOLE):
            if script is not None:
                provider.script = script
                async with http.post(f"{running.url}/v1/chat/completions", json=CHAT):
                    pass
            async with http.get(f"{running.url}/ready") as reply:
                answers.append((reply.status, await reply.json()))
    assert answers == [
        (200, {"status": "ready"}),
        (200, {"status": "ready", "troubled": {"p": "its last request failed: upstream_error"}}),
        (200, {"status": "ready"}),
    ]


async def test_metrics_count_every_request_at_once(serve: Serve) -> None:
    async with serve(WHOLE) as (running, _), aiohttp.ClientSession() as http:
        for _ in range(3):
            async with http.post(f"{running.url}/v1/chat/completions", json=CHAT) as reply:
                assert reply.status == 200
        async with http.get(f"{running.url}/metrics") as reply:
            families = {family.name: family for family in text_string_to_metric_families(await reply.text())}
    assert [sample.value for sample in families["forebay_requests"].samples] == [3]
    assert [sample.value for sample in families["forebay_output_tokens"].samples] == [3]
    assert "forebay_engine_running" in families


async def test_providers_are_started_and_closed_with_the_server(serve: Serve) -> None:
    async with serve(WHOLE) as (_, provider):
        assert (provider.started, provider.closed) == (1, 0)
    assert (provider.started, provider.closed) == (1, 1)


async def test_the_page_is_served(serve: Serve) -> None:
    async with serve(WHOLE) as (running, _), aiohttp.ClientSession() as http, http.get(f"{running.url}/") as reply:
        assert reply.status == 200
        assert "text/html" in reply.headers["content-type"]
