"""A server that is killed in the middle of an answer, and started again."""

import asyncio
from pathlib import Path
from typing import Any

import openai
from aiohttp import web

from tests.support.chunks import pieces
from tests.support.served import Served, forebay

CONFIG = """
log: {{requests: false}}
providers:
  up: {{kind: openai, base_url: "{url}/v1"}}
models:
  m: {{deployments: [{{provider: up}}]}}
store:
  url: sqlite:///{file}
"""
FIRST = pieces({"role": "assistant", "content": "Half an answer"}, "stop")[:10]


OVER = web.AppKey("over", asyncio.Event)


async def _slow(request: web.Request) -> web.StreamResponse:
    """Half an answer, and then nothing for long."""
    reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await reply.prepare(request)
    await reply.write(b"".join(FIRST))
    await request.app[OVER].wait()
    return reply


def _client(served: Served) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)


async def _last(sdk: openai.AsyncOpenAI, conversation: str) -> Any:
    return (await sdk.conversations.items.list(conversation, limit=1)).data[0]


async def _when(sdk: openai.AsyncOpenAI, conversation: str, status: str) -> Any:
    """The last item, as soon as it is an answer in that status."""
    async with asyncio.timeout(30):
        while (item := await _last(sdk, conversation)).role != "assistant" or item.status != status:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # what is waited for has no event
    return item


async def test_a_conversation_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    application = web.Application()
    over = application[OVER] = asyncio.Event()
    application.router.add_post("/v1/chat/completions", _slow)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = tmp_path / "forebay.yaml"
    config.write_text(
        CONFIG.format(url=f"http://127.0.0.1:{runner.addresses[0][1]}", file=tmp_path / "forebay.db"), encoding="utf-8"
    )
    server = forebay("--config", str(config))
    served = await asyncio.to_thread(server.__enter__)
    try:
        async with _client(served) as sdk:
            made = await sdk.conversations.create()
            stream = await sdk.responses.create(model="m", input="Hello", conversation=made.id, stream=True)
            async for event in stream:
                if event.type == "response.output_text.delta":
                    break
            part = await _when(sdk, made.id, "in_progress")
            served.process.kill()
            await stream.close()
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)
    with forebay("--config", str(config)) as again:
        async with _client(again) as sdk:
            left = await _when(sdk, made.id, "incomplete")
            opened: Any = await sdk.get(f"/conversations/{made.id}/export", cast_to=object)
    over.set()
    await runner.cleanup()
    assert (left.id, left.content[0].text) == (part.id, "Half an a")
    assert [item["role"] for item in opened["items"]] == ["user", "assistant"]
