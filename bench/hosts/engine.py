"""A stand-in for an engine: answers in OpenAI's form, ten tokens at a steady pace, without a model."""

import argparse
import asyncio
import json

from aiohttp import web

TOKENS = 10
PACE = 0.02
_USAGE = {"prompt_tokens": 5, "completion_tokens": TOKENS, "total_tokens": 5 + TOKENS}


async def answer(request: web.Request) -> web.StreamResponse:
    """A stream, whether or not one was asked for."""
    await request.read()
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for number in range(TOKENS):
        await asyncio.sleep(PACE)
        finish = "stop" if number == TOKENS - 1 else None
        await response.write(_event([{"index": 0, "delta": {"content": "word "}, "finish_reason": finish}]))
    await response.write(_event([], usage=_USAGE) + b"data: [DONE]\n\n")
    return response


async def models(_request: web.Request) -> web.Response:
    """For health checks."""
    return web.json_response({"object": "list", "data": [{"id": "paced", "object": "model"}]})


def _event(choices: list[dict[str, object]], **more: object) -> bytes:
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "paced", "choices": choices, **more}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def main() -> None:
    """Serve until the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    application = web.Application()
    application.add_routes([web.post("/v1/chat/completions", answer), web.get("/v1/models", models)])
    web.run_app(application, host=parser.parse_args().host, port=8080, print=None)


if __name__ == "__main__":
    main()
