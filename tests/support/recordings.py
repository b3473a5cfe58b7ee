"""One exchange with each vendor, as its documentation shows it: the same answer whole, streamed, and failing."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from forebay.core.errors import ForebayError, UnavailableError, UpstreamError
from tests.support.eventstream import aws_event

Fields = dict[str, Any]

SECRET = "sk-secret-key"
MINTED = "req_1"
"""The call's own id, where a vendor gives its answers none."""


class Recording(NamedTuple):
    """``whole`` is a body, ``events`` a stream on the wire, ``expected`` both in OpenAI's form.

    ``ping`` is an event that says nothing, ``busy`` an error as an event, ``overloaded`` one as status and body.
    ``options`` are settings that the kind cannot do without.
    """

    kind: str
    model: str
    target: str
    whole: bytes
    events: tuple[bytes, ...]
    expected: Fields
    busy: bytes
    overloaded: tuple[int, bytes]
    ping: bytes = b": ping\n\n"
    stream_type: str = "text/event-stream"
    busy_is: type[ForebayError] = UnavailableError
    options: Mapping[str, Any] = MappingProxyType({"api_key": SECRET})

    @property
    def images(self) -> bool:
        """Whether it takes any."""
        return self.kind != "lorax" and self.options.get("api") != "native"

    @property
    def name(self) -> str:
        """The kind, the model, and the API where there are several."""
        return "-".join(filter(None, [self.kind, self.model, self.options.get("api")]))


def sse(payload: Fields, *, named: bool = False) -> bytes:
    """A server-sent event, with its name if the vendor writes one."""
    name = f"event: {payload['type']}\n".encode() if named else b""
    return name + b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def expected(
    *, answer_id: str, model: str, message: Fields, finish_reason: str, usage: tuple[int, int], **details: Fields
) -> Fields:
    """An answer in OpenAI's form."""
    prompt, completion = usage
    counted: Fields = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    counted |= {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": answer_id,
        "object": "chat.completion",
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "refusal": None, **message},
                "finish_reason": finish_reason,
                "logprobs": None,
            }
        ],
        "usage": counted | details,
    }


def function(call_id: str, name: str, arguments: str) -> Fields:
    """A tool call."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def thought(*calls: Fields) -> Fields:
    """What a model says that thought about two cities, and then made ``calls``."""
    return {
        "content": "Lööking 🌍.",
        "reasoning_content": "Two cities.",
        "thinking_blocks": [
            {"type": "thinking", "thinking": "Two cities.", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "eHg="},
        ],
        "tool_calls": [*calls],
    }


def _anthropic() -> Recording:
    usage = {
        "input_tokens": 12,
        "output_tokens": 30,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 3,
        "cache_creation": None,
        "inference_geo": None,
        "output_tokens_details": {"thinking_tokens": 7},
        "server_tool_use": None,
        "service_tier": "standard",
    }
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [
            {"type": "thinking", "thinking": "Two cities.", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "eHg="},
            {"type": "text", "text": "Lööking 🌍.", "citations": None},
            {
                "type": "tool_use",
                "id": "toolu_1",
                "name": "weather",
                "input": {"city": "Zürich"},
                "caller": {"type": "direct"},
            },
            {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}, "caller": {"type": "direct"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": usage,
    }

    def block(index: int, started: Fields, *deltas: Fields) -> list[Fields]:
        return [
            {"type": "content_block_start", "index": index, "content_block": started},
            *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": index},
        ]

    events = [
        {
            "type": "message_start",
            "message": {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}},
        },
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Two "},
            {"type": "thinking_delta", "thinking": "cities."},
            {"type": "signature_delta", "signature": "EqQB"},
        ),
        *block(1, {"type": "redacted_thinking", "data": "eHg="}),
        *block(
            2,
            {"type": "text", "text": "", "citations": None},
            {"type": "text_delta", "text": "Lööking "},
            {"type": "text_delta", "text": "🌍."},
        ),
        *block(
            3,
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}, "caller": {"type": "direct"}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"city": '},
            {"type": "input_json_delta", "partial_json": '"Zürich"}'},
        ),
        *block(
            4,
            {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}, "caller": {"type": "direct"}},
            {"type": "input_json_delta", "partial_json": ""},
        ),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None, "stop_details": None, "container": None},
            "usage": {
                "input_tokens": None,
                "output_tokens": 30,
                "cache_read_input_tokens": None,
                "cache_creation_input_tokens": None,
                "output_tokens_details": {"thinking_tokens": 7},
                "server_tool_use": None,
            },
        },
        {"type": "message_stop"},
    ]
    busy = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
    return Recording(
        kind="anthropic",
        model="claude-sonnet-4-5",
        target="/v1/messages",
        whole=json.dumps(message, ensure_ascii=False).encode(),
        events=tuple(sse(each, named=True) for each in events),
        expected=expected(
            answer_id="msg_01",
            model="claude-x",
            message=thought(function("toolu_1", "weather", '{"city": "Zürich"}'), function("toolu_2", "time", "{}")),
            finish_reason="tool_calls",
            usage=(20, 30),
            prompt_tokens_details={"cached_tokens": 5, "cache_write_tokens": 3},
            completion_tokens_details={"reasoning_tokens": 7},
        ),
        busy=sse(busy, named=True),
        overloaded=(529, json.dumps(busy).encode()),
        ping=b'event: ping\ndata: {"type": "ping"}\n\n',
    )


def _gemini(kind: str, target: str, **options: str) -> Recording:
    ids = {"id": "fc_1"} if kind == "gemini" else {}
    weather = {"functionCall": {"name": "weather", "args": {"city": "Zürich"}, **ids}, "thoughtSignature": "c2ln"}
    last = {"name": "time", "args": {}}
    usage = {
        "promptTokenCount": 20,
        "candidatesTokenCount": 23,
        "thoughtsTokenCount": 7,
        "cachedContentTokenCount": 5,
        "totalTokenCount": 50,
    }
    common = {"modelVersion": "gemini-x", "responseId": "resp_1"}

    def event(*parts: Fields, finish: str | None = None, counted: Fields | None = None) -> Fields:
        candidate: Fields = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": counted or {**usage, "candidatesTokenCount": 1}, **common}

    thought = {"text": "Two cities.", "thought": True}
    text = {"text": "Lööking 🌍."}
    whole = event(thought, text, weather, {"functionCall": last}, finish="STOP", counted=usage)
    events = [
        event({**thought, "text": "Two "}),
        event({**thought, "text": "cities."}),
        event({"text": "Lööking "}),
        event({"text": "🌍."}, weather),
        event({"functionCall": last}),
        event(finish="STOP", counted=usage),
    ]
    busy = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    first = {**function("fc_1" if ids else "call_resp_1_0_0", "weather", '{"city":"Zürich"}')}
    signed = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    return Recording(
        kind=kind,
        model="gemini-2.5-flash",
        target=target,
        whole=json.dumps(whole, ensure_ascii=False).encode(),
        events=tuple(map(sse, events)),
        expected=expected(
            answer_id="resp_1",
            model="gemini-x",
            message={
                "content": "Lööking 🌍.",
                "reasoning_content": "Two cities.",
                "tool_calls": [{**first, **signed}, function("call_resp_1_0_1", "time", "{}")],
            },
            finish_reason="tool_calls",
            usage=(20, 30),
            prompt_tokens_details={"cached_tokens": 5},
            completion_tokens_details={"reasoning_tokens": 7},
        ),
        busy=sse(busy),
        overloaded=(503, json.dumps([busy]).encode()),
        options=MappingProxyType(options),
    )


def _cohere() -> Recording:
    usage = {
        "billed_units": {"input_tokens": 10.0, "output_tokens": 20.0},
        "tokens": {"input_tokens": 20.0, "output_tokens": 30.0},
        "cached_tokens": 5.0,
    }
    calls = [function("weather_1", "weather", '{"city": "Zürich"}'), function("time_1", "time", "{}")]
    whole = {
        "id": "c14c80c3",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Two cities."}],
            "tool_plan": "Lööking 🌍.",
            "tool_calls": calls,
        },
        "finish_reason": "TOOL_CALL",
        "usage": usage,
    }

    def event(kind: str, index: int | None = None, **message: Any) -> Fields:
        return {
            "type": kind,
            **({} if index is None else {"index": index}),
            **({"delta": {"message": message}} if message else {}),
        }

    def call_events(index: int, call: Fields) -> list[Fields]:
        name, text = call["function"]["name"], call["function"]["arguments"]
        pieces = [text[:5], text[5:]] if text != "{}" else []
        started = {**call, "function": {"name": name, "arguments": ""}}
        return [
            event("tool-call-start", index, tool_calls=started),
            *(event("tool-call-delta", index, tool_calls={"function": {"arguments": piece}}) for piece in pieces),
            event("tool-call-end", index),
        ]

    events = [
        {
            **event("message-start", role="assistant", content=[], tool_plan="", tool_calls=[], citations=[]),
            "id": "c14c80c3",
        },
        event("content-start", 0, content={"type": "thinking", "thinking": ""}),
        event("content-delta", 0, content={"thinking": "Two "}),
        event("content-delta", 0, content={"thinking": "cities."}),
        event("content-end", 0),
        event("tool-plan-delta", tool_plan="Lööking "),
        event("tool-plan-delta", tool_plan="🌍."),
        *call_events(0, calls[0]),
        *call_events(1, calls[1]),
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": usage}},
    ]
    failed = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded", "usage": usage}}
    return Recording(
        kind="cohere",
        model="command-a-03-2025",
        target="/v2/chat",
        whole=json.dumps(whole, ensure_ascii=False).encode(),
        events=tuple(sse(each, named=True) for each in events),
        expected=expected(
            answer_id="c14c80c3",
            model="command-a-03-2025",
            message={"content": "Lööking 🌍.", "reasoning_content": "Two cities.", "tool_calls": calls},
            finish_reason="tool_calls",
            usage=(20, 30),
            prompt_tokens_details={"cached_tokens": 5},
        ),
        busy=sse(failed, named=True),
        busy_is=UpstreamError,
        overloaded=(503, b'{"id": "x", "message": "Service unavailable"}'),
    )


def _failing(error: str, kind: str) -> bytes:
    return json.dumps({"error": error, "error_type": kind}).encode()


def _tgi() -> Recording:
    """``/v1`` as of TGI 2.4: no id, one call in a delta, the role in each of them, no word of calls at the end."""
    arguments = {"city": "Zürich"}
    usage = {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}
    common = {"id": "", "created": 1706270835, "model": "mistral", "system_fingerprint": "2.4.1-native"}

    def event(delta: Fields, finish: str | None = None, **more: Any) -> Fields:
        delta = {"role": "assistant", **delta}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {"object": "chat.completion.chunk", **common, "choices": [choice], "usage": None, **more}

    def called(name: str | None, piece: str) -> Fields:
        return {
            "tool_calls": {"index": 0, "id": "", "type": "function", "function": {"name": name, "arguments": piece}}
        }

    message = {
        "role": "assistant",
        "content": "Lööking 🌍.",
        "tool_calls": [
            {
                "id": "0",
                "type": "function",
                "function": {"description": None, "name": "weather", "arguments": arguments},
            }
        ],
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    events = [
        event({"content": "Lööking "}),
        event({"content": "🌍."}),
        event(called("weather", '{"city":')),
        event(called("weather", '"Zürich"}')),
        event({"content": ""}, "eos_token"),
    ]
    last = sse({"object": "chat.completion.chunk", **common, "choices": [], "usage": usage})
    busy = _failing("Model is overloaded", "overloaded")
    return Recording(
        kind="tgi",
        model="mistral",
        target="/v1/chat/completions",
        whole=json.dumps({"object": "chat.completion", **common, "choices": [choice], "usage": usage}).encode(),
        events=(*map(sse, events), last + b"data: [DONE]\n\n"),
        expected=expected(
            answer_id=MINTED,
            model="mistral",
            message={
                "content": "Lööking 🌍.",
                "tool_calls": [function(f"call_{MINTED}_0_0", "weather", '{"city":"Zürich"}')],
            },
            finish_reason="tool_calls",
            usage=(20, 30),
        ),
        busy=b"data: " + busy + b"\n\n",
        overloaded=(429, busy),
    )


def _lorax() -> Recording:
    """``/v1`` of LoRAX 0.12: ``null`` for a name, and a stop word counts as filtered content."""
    usage = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}
    common = {"id": "null", "created": 0, "model": "null"}

    def event(text: str, finish: str | None = None, **more: Any) -> Fields:
        choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
        return {"object": "chat.completion.chunk", **common, "choices": [choice], **more}

    message = {"role": "assistant", "content": "Lööking 🌍."}
    choice = {"index": 0, "message": message, "finish_reason": "content_filter"}
    busy = _failing("Model is overloaded", "overloaded")
    return Recording(
        kind="lorax",
        model="base",
        target="/v1/chat/completions",
        whole=json.dumps(
            {"object": "text_completion", **common, "choices": [choice], "usage": usage, "system_fingerprint": "0.12"}
        ).encode(),
        events=tuple(map(sse, [event("Lööking "), event("🌍"), event(".", "content_filter", usage=usage)])),
        expected=expected(
            answer_id=MINTED,
            model="base",
            message={"content": "Lööking 🌍."},
            finish_reason="stop",
            usage=(20, 3),
        ),
        busy=b"data: " + busy + b"\n\n",
        overloaded=(429, busy),
    )


def _generate(kind: str, whole: Fields, streamed: Fields) -> Recording:
    """The native API; ``whole`` and ``streamed`` are the prompt's length, as the details tell it."""
    pieces = ["Lö", "öking", " 🌍."]
    tokens = [{"id": index, "text": text, "logprob": -0.1, "special": False} for index, text in enumerate(pieces)]
    end = {"id": 2, "text": "<|im_end|>", "logprob": -0.1, "special": True}
    details = {"finish_reason": "eos_token", "generated_tokens": 4, "seed": None}
    events: list[Fields] = [
        {"index": index + 1, "token": token, "generated_text": None, "details": None}
        for index, token in enumerate(tokens)
    ]
    events.append({"index": 4, "token": end, "generated_text": "Lööking 🌍.", "details": {**details, **streamed}})
    reply = {"generated_text": "Lööking 🌍.", "details": {**details, "prefill": [], "tokens": [*tokens, end], **whole}}
    busy = _failing("Model is overloaded", "overloaded")
    return Recording(
        kind=kind,
        model="base",
        target="/generate",
        whole=json.dumps(reply).encode(),
        events=tuple(map(sse, events)),
        expected=expected(
            answer_id=MINTED,
            model="base",
            message={"content": "Lööking 🌍."},
            finish_reason="stop",
            usage=(2, 4),
        ),
        busy=b"data: " + busy + b"\n\n",
        overloaded=(429, busy),
        options=MappingProxyType(
            {"api_key": SECRET, "api": "native", "chat_template": str(CHATML), "drop_params": True}
        ),
    )


def _ollama() -> Recording:
    calls = [
        {"function": {"index": 0, "name": "weather", "arguments": {"city": "Zürich"}}},
        {"id": "call_x", "function": {"index": 1, "name": "time", "arguments": {}}},
    ]
    counts = {"total_duration": 5, "load_duration": 1, "prompt_eval_count": 20, "eval_count": 30, "eval_duration": 2}

    def line(done: bool = False, **message: Any) -> Fields:  # noqa: FBT001, FBT002
        return {
            "model": "qwen3",
            "created_at": "2025-10-26T17:15:24.097767Z",
            "message": {"role": "assistant", "content": "", **message},
            "done": done,
            **({"done_reason": "stop", **counts} if done else {}),
        }

    events = [
        line(thinking="Two "),
        line(thinking="cities."),
        line(content="Lööking "),
        line(content="🌍."),
        line(tool_calls=calls),
        line(done=True),
    ]
    whole = line(done=True, thinking="Two cities.", content="Lööking 🌍.", tool_calls=calls)
    return Recording(
        kind="ollama",
        model="qwen3:8b",
        target="/api/chat",
        whole=json.dumps(whole).encode(),
        events=tuple(json.dumps(each).encode() + b"\n" for each in events),
        expected=expected(
            answer_id=MINTED,
            model="qwen3",
            message={
                "content": "Lööking 🌍.",
                "reasoning_content": "Two cities.",
                "tool_calls": [
                    function(f"call_{MINTED}_0_0", "weather", '{"city":"Zürich"}'),
                    function("call_x", "time", "{}"),
                ],
            },
            finish_reason="tool_calls",
            usage=(20, 30),
        ),
        busy=b'{"error": "the model runner has stopped"}\n',
        busy_is=UpstreamError,
        overloaded=(503, b'{"error": "server busy, please try again.  maximum pending requests exceeded"}'),
        ping=b"\n",
        stream_type="application/x-ndjson",
    )


def _bedrock() -> Recording:
    usage = {"inputTokens": 12, "outputTokens": 30, "totalTokens": 50}
    usage |= {"cacheReadInputTokens": 5, "cacheWriteInputTokens": 3}
    weather = {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Zürich"}}
    content: list[Fields] = [
        {"reasoningContent": {"reasoningText": {"text": "Two cities.", "signature": "EqQB"}}},
        {"reasoningContent": {"redactedContent": "eHg="}},
        {"text": "Lööking 🌍."},
        {"toolUse": weather},
        {"toolUse": {"toolUseId": "tooluse_2", "name": "time", "input": {}}},
    ]
    whole = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": usage,
        "metrics": {"latencyMs": 1},
    }

    def deltas(index: int, *found: Fields) -> list[bytes]:
        made = [aws_event("contentBlockDelta", {"delta": delta, "contentBlockIndex": index}) for delta in found]
        return [*made, aws_event("contentBlockStop", {"contentBlockIndex": index})]

    def begun(index: int, call_id: str, name: str) -> bytes:
        use = {"toolUse": {"toolUseId": call_id, "name": name}}
        return aws_event("contentBlockStart", {"start": use, "contentBlockIndex": index})

    events = [
        aws_event("messageStart", {"role": "assistant"}),
        *deltas(
            0,
            {"reasoningContent": {"text": "Two "}},
            {"reasoningContent": {"text": "cities."}},
            {"reasoningContent": {"signature": "EqQB"}},
        ),
        *deltas(1, {"reasoningContent": {"redactedContent": "eHg="}}),
        *deltas(2, {"text": "Lööking "}, {"text": "🌍."}),
        begun(3, "tooluse_1", "weather"),
        *deltas(3, {"toolUse": {"input": '{"city":'}}, {"toolUse": {"input": '"Zürich"}'}}),
        begun(4, "tooluse_2", "time"),
        *deltas(4, {"toolUse": {"input": ""}}),
        aws_event("messageStop", {"stopReason": "tool_use"}),
        aws_event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}),
    ]
    return Recording(
        kind="bedrock",
        model="anthropic.claude-x-v1:0",
        target="/model/anthropic.claude-x-v1%3A0/converse",
        whole=json.dumps(whole).encode(),
        events=tuple(events),
        expected=expected(
            answer_id=MINTED,
            model="anthropic.claude-x-v1:0",
            message=thought(function("tooluse_1", "weather", '{"city":"Zürich"}'), function("tooluse_2", "time", "{}")),
            finish_reason="tool_calls",
            usage=(20, 30),
            prompt_tokens_details={"cached_tokens": 5, "cache_write_tokens": 3},
        ),
        busy=aws_event("serviceUnavailableException", {"message": "Busy"}, kind="exception"),
        overloaded=(503, b'{"message": "Bedrock is unable to process your request."}'),
        ping=aws_event("initial-response", {}),
        stream_type="application/vnd.amazon.eventstream",
    )


CHATML = Path(__file__).parent / "chatml.jinja"
OLLAMA = _ollama()
TGI = _tgi()
LORAX = _lorax()
TGI_NATIVE = _generate("tgi", {"prefill": [{"id": 1, "text": "a", "logprob": None}] * 2}, {"input_length": 2})
LORAX_NATIVE = _generate("lorax", {"prompt_tokens": 2}, {"prompt_tokens": 2})
ANTHROPIC = _anthropic()
BEDROCK = _bedrock()
COHERE = _cohere()
GEMINI = _gemini("gemini", "/models/gemini-2.5-flash:generateContent", api_key=SECRET)
VERTEX = _gemini(
    "vertex",
    "/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent",
    project="p",
    location="europe-west4",
    access_token=SECRET,
)
CLAUDE_ON_VERTEX = ANTHROPIC._replace(
    kind="vertex",
    model="claude-sonnet-4-5@20250929",
    target="/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
    options=MappingProxyType({"project": "p", "access_token": SECRET}),
)
RECORDINGS = (
    ANTHROPIC,
    BEDROCK,
    CLAUDE_ON_VERTEX,
    COHERE,
    GEMINI,
    LORAX,
    LORAX_NATIVE,
    OLLAMA,
    TGI,
    TGI_NATIVE,
    VERTEX,
)
