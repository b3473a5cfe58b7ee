"""Requests for responses as OpenAI's chats: every field, and whatever a client may send."""

import json
from typing import Any

import pytest
from hypothesis import given

from forebay.api.responses.exchange import Responses, read_count
from forebay.api.responses.items import SignedBlock, sealed
from forebay.core.errors import InvalidRequestError
from forebay.core.types import Operation, Request
from tests.support.broken import broken
from tests.support.chats import PDF, PIXEL
from tests.support.responses_requests import requests
from tests.support.schemas import check

Fields = dict[str, Any]

USER = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}
FUNCTION = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True},
}


def request_of(**fields: Any) -> Request:
    return Responses.read(json.dumps({"model": "m", "input": "Hi", **fields}).encode()).request


def chat_of(**fields: Any) -> Fields:
    found: Fields = json.loads(request_of(**fields).body)
    return found


def messages_of(*items: Fields, **fields: Any) -> list[Fields]:
    found: list[Fields] = chat_of(input=list(items), **fields)["messages"]
    return found


def test_the_smallest_request() -> None:
    request = request_of()
    assert request == Request(Operation.CHAT, "m", request.body, translated=True)
    assert json.loads(request.body) == {"model": "m", "messages": [USER]}


def test_a_stream_asks_for_its_usage() -> None:
    request = request_of(stream=True)
    assert (request.stream, request.include_usage) == (True, True)
    assert json.loads(request.body)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"max_output_tokens": 5, "temperature": 0.5, "top_p": 0.9},
            {"max_tokens": 5, "temperature": 0.5, "top_p": 0.9},
        ),
        (
            {"seed": 1, "stop": ["a"], "frequency_penalty": 0.5, "presence_penalty": -1.0, "watermark": True},
            {"seed": 1, "stop": ["a"], "frequency_penalty": 0.5, "presence_penalty": -1.0, "watermark": True},
        ),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "a", "schema": {}, "strict": True}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {}, "strict": True},
                }
            },
        ),
        (
            {"user": "alice", "prompt_cache_key": "k", "safety_identifier": "s"},
            {"user": "alice", "prompt_cache_key": "k", "safety_identifier": "s"},
        ),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"store": True, "truncation": "auto", "metadata": {"a": "b"}, "service_tier": "auto"}, {}),
        ({"include": ["reasoning.encrypted_content", "file_search_call.results"]}, {}),
        ({"background": False, "previous_response_id": None, "max_tool_calls": 3, "top_logprobs": 0}, {}),
        (
            {"tools": [TOOL], "parallel_tool_calls": False},
            {"tools": [FUNCTION], "parallel_tool_calls": False},
        ),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tools": [FUNCTION], "tool_choice": "required"}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "weather"}},
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        ),
        (
            {
                "tools": [TOOL],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "weather"}],
                },
            },
            {
                "tools": [FUNCTION],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "required",
                        "tools": [{"type": "function", "function": {"name": "weather"}}],
                    },
                },
            },
        ),
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, {}),
    ],
)
def test_parameters(fields: Fields, expected: Fields) -> None:
    assert chat_of(**fields) == {"model": "m", "messages": [USER], **expected}


def test_instructions_come_first_and_developers_are_the_system() -> None:
    developer = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]}
    assert messages_of(developer, USER, instructions="Be brief.") == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
        USER,
    ]


def test_what_a_user_shows() -> None:
    shown = [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "low"},
        {"type": "input_file", "file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://a/b.pdf"},
    ]
    (message,) = messages_of({"role": "user", "content": shown})
    assert message["content"] == [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "https://a/b.pdf"}},
    ]


def test_one_turn_of_the_model_is_one_message() -> None:
    found = messages_of(
        USER,
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "S"}],
            "content": [{"type": "reasoning_text", "text": "Hm."}],
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x": 1}'},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "a", "output": "18°"},
        {
            "type": "function_call_output",
            "call_id": "b",
            "output": [
                {"type": "input_text", "text": "x"},
                {"type": "input_image", "image_url": "https://a/b.png"},
            ],
        },
        {"role": "assistant", "content": "18 degrees."},
    )
    assert found == [
        USER,
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "18°"},
        {"role": "tool", "tool_call_id": "b", "content": "x"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]},
        {"role": "assistant", "content": "18 degrees."},
    ]


def test_signed_reasoning_goes_back_as_it_was() -> None:
    content = sealed([SignedBlock("thinking", "Hm.", "sig"), SignedBlock("redacted_thinking", data="eA==")])
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": content}
    assert messages_of(USER, item)[1] == {
        "role": "assistant",
        "content": None,
        "thinking_blocks": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "eA=="},
        ],
    }


@pytest.mark.parametrize("content", ["gAAAA", "forebay:", "forebay:%%%", "forebay:e30=", "forebay:ü"])
def test_what_others_encrypted_is_left_out(content: str) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": content}
    assert messages_of(USER, item) == [USER]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}, "input"),
        ({"input": None}, "input"),
        ({"model": ""}, "model"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": "required"}, "tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "other"}}, "tool_choice.name"),
        ({"input": [{"id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "web_search_call", "id": "ws_1", "status": "completed"}]}, "input[0].type"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": "message", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
        ),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "", "output": "x"}]}, "input[0].call_id"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_image", "image_url": "https://a"}]}]},
            "input[0].content",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(fields: Fields, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        request_of(**fields)
    assert caught.value.param == param


def test_a_count_is_of_the_same_prompt() -> None:
    body = {"model": "m", "input": "Hi", "instructions": "Be brief.", "tools": [TOOL], "max_output_tokens": 5}
    counted = read_count(json.dumps(body).encode()).request
    assert counted.operation is Operation.COUNT
    assert json.loads(counted.body) == chat_of(instructions="Be brief.", tools=[TOOL])


@given(requests)
def test_every_valid_request_is_a_valid_chat(body: Fields) -> None:
    check("CreateResponse", body)
    chat = json.loads(Responses.read(json.dumps(body).encode()).request.body)
    check("CreateChatCompletionRequest", chat)


@given(broken(requests))
def test_every_other_request_is_refused_as_input(body: Fields) -> None:
    for read in (Responses.read, read_count):
        try:
            request = read(json.dumps(body).encode()).request
        except InvalidRequestError:
            continue
        assert json.loads(request.body)["messages"]
