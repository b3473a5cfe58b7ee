"""An OpenAI-compatible provider that sends its tokens at a pace of its own, and counts as many as it sends."""

import asyncio
import json
from typing import Any

from tests.support.upstream import Answer, Asked, Peer, chunk, reply

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
JSON = b"content-type: application/json"
OVERHEAD = 9
"""Tokens of the template that stand around every prompt."""


def paced(first: float, pace: float, *, usage: bool = True, tokens: int | None = None, cut: int = 1) -> Answer:
    """The first token after ``first`` seconds and the others ``pace`` apart, as many as asked for or ``tokens``.

    A word is a token, of prompts ``cut`` of them.
    """

    async def answer(asked: Asked, peer: Peer) -> None:
        if asked.method == "GET":
            await peer.send(reply(json.dumps({"data": [{"id": "any/*"}, {"id": "paced"}]}).encode(), JSON))
            return
        said = json.loads(asked.body)
        count = tokens or said.get("max_tokens", 4)
        counted = {"prompt_tokens": prompt_tokens(said) * cut, "completion_tokens": count} if usage else None
        if not said.get("stream"):
            await asyncio.sleep(first + pace * (count - 1))
            whole = {"choices": [{"message": {"content": "word " * count}, "finish_reason": "stop"}], "usage": counted}
            await peer.send(reply(json.dumps(whole).encode(), JSON))
            return
        await peer.send(HEAD)
        await _stream(peer, count, first, pace)
        tail = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        tail += event({"choices": [], "usage": counted}) if usage else b""
        await peer.send(chunk(tail + b"data: [DONE]\n\n") + chunk(b""))

    return answer


async def _stream(peer: Peer, count: int, first: float, pace: float) -> None:
    """By the clock, so that no delay adds up."""
    loop = asyncio.get_running_loop()
    start = loop.time() + first
    for number in range(count):
        await asyncio.sleep(max(0.0, start + pace * number - loop.time()))
        await peer.send(chunk(event({"choices": [{"index": 0, "delta": {"content": "word "}}]})))


def event(data: dict[str, Any]) -> bytes:
    """One event."""
    return b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", **data}).encode() + b"\n\n"


def prompt_tokens(said: dict[str, Any]) -> int:
    """A word is a token, and the template has some."""
    text = said["messages"][0]["content"] if "messages" in said else said.get("prompt") or said["input"]
    return OVERHEAD + len(text.split())
