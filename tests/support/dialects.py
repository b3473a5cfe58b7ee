"""Asks a provider with a dialect of its own, and holds what comes out against OpenAI's rules."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from forebay.core.errors import ForebayError
from forebay.core.stream import payloads
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Stream, TimeOuts, Trace, Whole
from forebay.plugins import PROVIDERS
from forebay.providers.dialects.provider import DialectProvider
from forebay.settings import section
from tests.support.faulty import Script, Upstream, upstream
from tests.support.schemas import check

QUICK = TimeOuts(connect=5, first_token=0.8, between_tokens=0.8, total=10)
Fields = dict[str, Any]


def call(*, stream: bool = False, include_usage: bool = False, **fields: object) -> Call:
    """A chat; ``fields`` are put into its body."""
    body: Fields = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": include_usage}}
    request = Request(Operation.CHAT, "m", json.dumps(body).encode(), stream, include_usage)
    return Call("req_1", request, Principal("a"), Trace(time.perf_counter()))


def made(kind: str, base_url: str, **options: object) -> DialectProvider:
    """A provider of ``kind``."""
    plugin = PROVIDERS.plugin(kind)
    settings = section(kind, {"base_url": base_url, **options}).read(plugin.settings)
    provider = plugin.build("up", settings)
    assert isinstance(provider, DialectProvider)
    return provider


@asynccontextmanager
async def asking(kind: str, *scripts: Script, **options: object) -> AsyncIterator[tuple[DialectProvider, Upstream]]:
    """A provider of ``kind`` whose upstream follows ``scripts``."""
    async with upstream(*scripts) as up:
        provider = made(kind, up.url.removesuffix("/v1"), **options)
        try:
            yield provider, up
        finally:
            await provider.close()


async def ask(
    kind: str, asked: Call, *scripts: Script, model: str = "real", **options: object
) -> tuple[bytes, ForebayError | None, Upstream]:
    """What a client gets of the reply, what broke it, and the upstream that was asked."""
    received = b""
    async with asking(kind, *scripts, **options) as (provider, up):
        try:
            reply = await provider.answer(asked, Deployment("up/real", "up", model, QUICK))
            if isinstance(reply, Whole):
                return reply.body, None, up
            assert isinstance(reply, Stream)
            async with aclosing(reply.events) as events:
                async for event in events:
                    received += event.data
        except ForebayError as error:
            return received, error, up
    return received, None, up


def sent(up: Upstream) -> Fields:
    """The body of the last request."""
    body: Fields = json.loads(up.requests[-1].partition(b"\r\n\r\n")[2])
    return body


def completion(body: bytes) -> Fields:
    """A whole reply, checked."""
    found: Fields = json.loads(body)
    check("CreateChatCompletionResponse", found)
    for choice in found["choices"]:
        _check_message(choice["message"])
    return found


def gathered(stream: bytes) -> Fields:
    """A stream put together as a strict client does, checked on the way; the form is that of a whole reply."""
    *chunks, done = payloads(stream)
    assert done == b"[DONE]"
    decoded = [json.loads(chunk) for chunk in chunks]
    for chunk in decoded:
        check("CreateChatCompletionStreamResponse", chunk)
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in decoded}) == 1
    counted = [chunk for chunk in decoded if chunk.get("usage")]
    if counted:
        assert decoded[-1:] == counted
        assert not counted[0]["choices"]
        assert all("usage" in chunk for chunk in decoded)
    choices: dict[int, Fields] = {}
    for chunk in decoded:
        for piece in chunk["choices"]:
            _gather(choices, piece)
    found: Fields = {"choices": [choices[index] for index in sorted(choices)]}
    if counted:
        found["usage"] = counted[0]["usage"]
    return {**{name: decoded[0][name] for name in ("id", "created", "model")}, "object": "chat.completion", **found}


def _gather(choices: dict[int, Fields], piece: Fields) -> None:
    index, delta = piece["index"], piece["delta"]
    if index not in choices:
        assert delta["role"] == "assistant"
        empty = {"role": "assistant", "content": None, "refusal": None}
        choices[index] = {"index": index, "message": empty, "finish_reason": None, "logprobs": None}
    else:
        assert "role" not in delta
    choice = choices[index]
    assert choice["finish_reason"] is None, "something came after the finish reason"
    choice["finish_reason"] = piece["finish_reason"]
    message = choice["message"]
    for name in ("content", "reasoning_content"):
        if name in delta:
            message[name] = (message.get(name) or "") + delta[name]
    for block in delta.get("thinking_blocks", ()):
        blocks = message.setdefault("thinking_blocks", [])
        assert block.pop("index") == len(blocks)
        blocks.append(block)
    for call_piece in delta.get("tool_calls", ()):
        _gather_call(message.setdefault("tool_calls", []), call_piece)
    if "extra_content" in delta:
        message["extra_content"] = delta["extra_content"]


def _gather_call(calls: list[Fields], piece: Fields) -> None:
    index = piece.pop("index")
    if index == len(calls):
        assert piece["id"]
        assert piece["type"] == "function"
        assert piece["function"]["name"]
        calls.append(piece)
    else:
        assert index == len(calls) - 1
        assert piece.keys() == {"function"}
        assert piece["function"].keys() == {"arguments"}
        calls[index]["function"]["arguments"] += piece["function"]["arguments"]


def normal(found: Fields) -> Fields:
    """Without what differs between a stream and a whole reply to the same question."""
    for choice in found["choices"]:
        message = choice["message"]
        message["content"] = message["content"] or None
        _check_message(message)
    return {name: value for name, value in found.items() if name != "created"}


def _check_message(message: Fields) -> None:
    assert message["role"] == "assistant"
    assert "content" in message
    for tool_call in message.get("tool_calls", ()):
        assert tool_call["function"]["arguments"]
