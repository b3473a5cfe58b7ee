"""Chat replies as upstreams send them: whole, and in chunks."""

from typing import Any

import msgspec

from forebay.core.stream import DONE, event

Fields = dict[str, Any]
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
REDACTED = {"type": "redacted_thinking", "data": "eA=="}
MESSAGE: Fields = {
    "role": "assistant",
    "content": "I look.",
    "reasoning_content": "Hm.",
    "thinking_blocks": [SIGNED, REDACTED],
    "refusal": None,
    "tool_calls": [
        {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
        {"id": "call_b", "type": "function", "function": {"name": "time", "arguments": ""}},
    ],
}


def chunk(delta: Fields, finish: str | None = None, **choice: Any) -> bytes:
    """A chunk as an event."""
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, **choice}]
    return event(_encoded("chat.completion.chunk", choices=choices))


def usage(counted: Fields | None = None) -> bytes:
    """The chunk with the usage as an event."""
    return event(_encoded("chat.completion.chunk", choices=[], usage=counted or USAGE))


def whole(message: Fields, finish: str = "stop", **choice: Any) -> bytes:
    """A whole reply with its usage."""
    choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish, **choice}]
    return _encoded("chat.completion", choices=choices, usage=USAGE)


def pieces(message: Fields = MESSAGE, finish: str = "tool_calls", **choice: Any) -> list[bytes]:
    """``message`` as a stream."""
    found = [chunk({"role": "assistant", "content": ""})]
    found += [chunk({"reasoning_content": each}) for each in message.get("reasoning_content") or ""]
    found += [chunk({"thinking_blocks": [each]}) for each in message.get("thinking_blocks") or ()]
    found += [chunk({"content": each}) for each in message.get("content") or ""]
    found += [chunk({"refusal": each}) for each in message.get("refusal") or ""]
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        first = {**call, "index": index, "function": {"name": function["name"], "arguments": ""}}
        found.append(chunk({"tool_calls": [first]}))
        found += [
            chunk({"tool_calls": [{"index": index, "function": {"arguments": each}}]}) for each in function["arguments"]
        ]
    return [*found, chunk({}, finish, **choice), usage(), DONE]


def _encoded(kind: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"id": "chatcmpl-1", "object": kind, "created": 1, "model": "m", **fields})
