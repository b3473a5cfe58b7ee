"""The inference endpoints through a real socket: OpenAI's own client, and clients that are not so kind."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest

from forebay.core.errors import RateLimitError, UpstreamError
from forebay.core.money import per_token
from forebay.server.limits import Limits
from forebay.settings import AuthSettings, KeySettings, PerToken, PriceSettings, Secret, Settings
from tests.api.conftest import STREAM, WHOLE, Serve
from tests.support.scripted import Piece
from tests.support.serving import Running

MESSAGES: Any = [{"role": "user", "content": "Hello"}]
BODY = {"model": "m", "messages": MESSAGES}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def client(running: Running, key: str = "none") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


async def test_openai_s_client_gets_a_whole_answer(serve: Serve) -> None:
    async with serve(WHOLE) as (running, provider), client(running) as sdk:
        answer = await sdk.chat.completions.create(model="m", messages=MESSAGES, extra_body={"top_k": 5})
    assert answer.choices[0].message.content == "Hi"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 4
    assert json.loads(provider.calls[0][0].request.body)["top_k"] == 5


async def test_openai_s_client_gets_a_stream(serve: Serve) -> None:
    async with serve(STREAM) as (running, _), client(running) as sdk:
        stream = await sdk.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        text = "".join([piece.choices[0].delta.content or "" async for piece in stream])
    assert text == "Hi"


async def test_a_reply_says_where_it_came_from(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with (
        serve(WHOLE) as (running, provider),
        http.post(f"{running.url}/v1/chat/completions", json=BODY) as reply,
    ):
        assert reply.status == 200
        assert reply.headers["x-request-id"] == provider.calls[0][0].id
        assert reply.headers["x-forebay-model"] == "m"
        assert reply.headers["x-forebay-deployment"] == "p/m"
        assert reply.headers["server-timing"].startswith("gateway;dur=")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, None, None)),
        (b'{"model": "m", "messages": [', (400, None, None)),
        (b'{"model": "m", "messages": "hi"}', (400, "messages", None)),
        (b'{"model": "m", "messages": []}', (400, "messages", "empty_array")),
        (b'{"messages": [{}]}', (400, "model", None)),
        (b'{"model": "", "messages": [{}]}', (400, "model", None)),
        (b'{"model": 5, "messages": [{}]}', (400, "model", None)),
        (b'{"model": "m", "messages": [{}], "stream": "yes"}', (400, "stream", None)),
        (b'{"model": "m", "messages": [{}], "stream_options": {"include_usage": true}}', (400, "stream_options", None)),
        (b'{"model": "m", "messages": [{"content": "\xff"}]}', (400, None, None)),
        (b'{"model": "gpt", "messages": [{}]}', (404, "model", "model_not_found")),
        (b'{"model": "%b", "messages": [{}]}' % (b"m" * 1_000_000), (400, "model", None)),
        (b'{"model": "m", "messages": [{}], "adapter_id": "%b"}' % (b"a" * 1_000_000), (400, "model", None)),
        (b'{"model": "a\\u0000b", "messages": [{}]}', (400, "model", None)),
        (b'{"model": "a\\u001b[2Jb", "messages": [{}]}', (400, "model", None)),
        (b'{"model": "oa/*", "messages": [{}]}', (400, "model", None)),
        (b"[" * 100_000, (400, None, None)),
    ],
)
async def test_bad_input_is_told_by_field(
    serve: Serve, http: aiohttp.ClientSession, body: bytes, expected: tuple[int, str | None, str | None]
) -> None:
    headers = {"content-type": "application/json"}
    async with (
        serve(WHOLE) as (running, _),
        http.post(f"{running.url}/v1/chat/completions", data=body, headers=headers) as reply,
    ):
        assert reply.headers["x-request-id"].startswith("req_")
        error = (await reply.json())["error"]
    assert (reply.status, error["param"], error["code"]) == expected
    assert "Traceback" not in error["message"]
    assert len(error["message"]) < 1000


async def test_a_model_s_name_is_checked_in_every_language(serve: Serve, http: aiohttp.ClientSession) -> None:
    name = "m" * 1_000_000
    asked: dict[str, Any] = {
        "messages": {"model": name, "max_tokens": 5, "messages": MESSAGES},
        "responses": {"model": name, "input": "Hello"},
        "embeddings": {"model": name, "input": "Hello"},
    }
    async with serve(WHOLE) as (running, _):
        for path, body in asked.items():
            async with http.post(f"{running.url}/v1/{path}", json=body) as reply:
                assert reply.status == 400
                assert len(await reply.read()) < 1000


async def test_50_mb_are_refused_before_they_are_read(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with (
        serve(WHOLE, limits=Limits(linger_seconds=0.1)) as (running, _),
        http.post(f"{running.url}/v1/chat/completions", data=io.BytesIO(b"x" * 50_000_000)) as reply,
    ):
        assert reply.status == 413
        assert (await reply.json())["error"]["code"] == "payload_too_large"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_foreign_page_could_send_unasked_is_refused(
    serve: Serve, http: aiohttp.ClientSession, kind: str
) -> None:
    async with (
        serve(WHOLE) as (running, provider),
        http.post(f"{running.url}/v1/chat/completions", data=json.dumps(BODY), headers={"content-type": kind}) as reply,
    ):
        assert reply.status == 415
        assert not provider.calls


async def test_a_rebound_name_is_refused_where_nobody_needs_a_key(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with serve(WHOLE) as (running, provider):
        url = f"{running.url}/v1/chat/completions"
        async with http.post(url, json=BODY, headers={"host": "evil.example:8080"}) as reply:
            assert reply.status == 403
        async with http.post(url, json=BODY, headers={"host": "localhost:8080"}) as reply:
            assert reply.status == 200
        assert len(provider.calls) == 1


async def test_a_key_is_needed_where_keys_are_configured(serve: Serve) -> None:
    settings = Settings(auth=AuthSettings(keys=(KeySettings(Secret("sk-1"), "alice", models=("m",)),)))
    async with serve(WHOLE, settings) as (running, provider):
        async with client(running, "sk-2") as sdk:
            with pytest.raises(openai.AuthenticationError):
                await sdk.chat.completions.create(model="m", messages=MESSAGES)
            with pytest.raises(openai.AuthenticationError):
                await sdk.models.list()
        async with client(running, "sk-1") as sdk:
            await sdk.chat.completions.create(model="m", messages=MESSAGES)
            assert [model.id async for model in sdk.models.list()] == ["m"]
        assert provider.calls[0][0].principal.name == "alice"


async def test_errors_of_a_provider_keep_their_status_and_headers(serve: Serve) -> None:
    failing: list[Piece] = [RateLimitError("Slow down.", headers={"retry-after": "7"})]
    async with serve(failing) as (running, _), client(running) as sdk:
        with pytest.raises(openai.RateLimitError) as caught:
            await sdk.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    assert caught.value.response.headers["retry-after"] == "7"


async def test_a_stream_that_breaks_ends_with_an_error_and_without_done(
    serve: Serve, http: aiohttp.ClientSession
) -> None:
    broken = [*STREAM[:2], UpstreamError("The upstream broke off.")]
    async with (
        serve(broken) as (running, _),
        http.post(f"{running.url}/v1/chat/completions", json={**BODY, "stream": True}) as reply,
    ):
        assert reply.status == 200
        text = await reply.text()
    assert json.loads(text.strip().split("\n\n")[-1].removeprefix("data: "))["error"]["code"] == "upstream_error"
    assert "[DONE]" not in text
    assert '"stop"' not in text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", BODY),
        ("messages", {**BODY, "max_tokens": 5}),
        ("responses", {"model": "m", "input": "Hello"}),
    ],
)
async def test_a_stream_that_breaks_unexpectedly_ends_with_an_error_too(
    serve: Serve, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, path: str, body: dict[str, Any]
) -> None:
    broken = [*STREAM[:2], ZeroDivisionError("a secret")]
    async with serve(broken) as (running, provider):
        async with http.post(f"{running.url}/v1/{path}", json={**body, "stream": True}) as reply:
            assert reply.status == 200
            text = await reply.text()
        async with http.get(f"{running.url}/metrics") as reply:
            assert 'status="500",outcome="broken",cache=""} 1' in await reply.text()
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    assert f"Internal error; ask for request {provider.calls[0][0].id}." in events[-1]
    assert "secret" not in text
    assert [record.exc_info is not None for record in caplog.records if record.levelname == "ERROR"] == [True]


async def test_an_unexpected_failure_gives_an_id_and_no_details(
    serve: Serve, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serve([]) as (running, _),
        http.post(f"{running.url}/v1/chat/completions", json=BODY) as reply,
    ):
        assert reply.status == 500
        message = (await reply.json())["error"]["message"]
        assert reply.headers["x-request-id"] in message
    assert "ValueError" in caplog.text
    assert "ValueError" not in message


async def test_a_client_that_leaves_closes_its_stream(serve: Serve, http: aiohttp.ClientSession) -> None:
    flood: list[Piece] = [STREAM[0]] * 100_000
    async with serve(flood) as (running, provider):
        _, writer = await running.connect()
        body = json.dumps({**BODY, "stream": True}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        await running.until(lambda: provider.running == 1)
        writer.close()
        await running.until(lambda: provider.running == 0)
        async with asyncio.timeout(5), http.get(f"{running.url}/metrics") as reply:
            assert 'status="499",outcome="aborted",cache=""} 1' in await reply.text()


@pytest.mark.parametrize("price", ["1.5", None])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_whole_reply_says_what_it_cost_if_that_is_known(
    serve: Serve, http: aiohttp.ClientSession, price: str | None, *, stream: bool
) -> None:
    each = PerToken(per_token(price or "") or 0)
    settings = Settings(prices={"p/m": PriceSettings(each, each)} if price else {})
    async with (
        serve(STREAM if stream else WHOLE, settings) as (running, _),
        http.post(f"{running.url}/v1/chat/completions", json={**BODY, "stream": stream}) as reply,
    ):
        assert reply.headers.get("x-forebay-cost") == ("0.000006" if price and not stream else None)
        await reply.read()
        async with http.get(f"{running.url}/metrics") as metrics:
            text = await metrics.text()
    labels = '{model="m",deployment="p/m"}'
    assert f"forebay_cost_dollars_total{labels} {6e-06 if price else 0.0}\n" in text
    assert f"forebay_cost_unknown_total{labels} {0 if price else 1}\n" in text
