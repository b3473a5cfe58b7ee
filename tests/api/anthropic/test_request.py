"""Anthropic's requests as OpenAI's chats: every field, and whatever a client may send."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from forebay.api.anthropic.messages import Messages, read_count
from forebay.core.errors import ForebayError, InvalidRequestError, UnsupportedParameterError
from forebay.core.types import Operation, Request
from forebay.providers.dialects.anthropic.request import TRANSLATED, message_params
from forebay.providers.dialects.parameters import Parameters
from tests.support.anthropic_requests import requests
from tests.support.broken import broken
from tests.support.chats import PDF, PIXEL
from tests.support.schemas import check

Fields = dict[str, Any]

USER = {"role": "user", "content": "Hi"}
TOOL = {"name": "weather", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
MARK = {"type": "ephemeral"}


def request_of(**fields: Any) -> Request:
    body = {"model": "m", "max_tokens": 5, "messages": [USER], **fields}
    return Messages.read(json.dumps(body).encode()).request


def chat_of(**fields: Any) -> Fields:
    found: Fields = json.loads(request_of(**fields).body)
    return found


def messages_of(*turns: Fields, **fields: Any) -> list[Fields]:
    found: list[Fields] = chat_of(messages=list(turns), **fields)["messages"]
    return found


def heard(*blocks: Fields) -> list[Fields]:
    return messages_of({"role": "user", "content": list(blocks)})


def said(*blocks: Fields) -> list[Fields]:
    return messages_of(USER, {"role": "assistant", "content": list(blocks)})[1:]


def text(words: str, **extra: Any) -> Fields:
    return {"type": "text", "text": words, **extra}


def thinking(budget: int) -> Fields:
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


ADAPTIVE = {"thinking": {"type": "adaptive", "display": "omitted"}}


def test_the_smallest_request() -> None:
    request = request_of()
    assert request == Request(Operation.CHAT, "m", request.body, translated=True)
    assert json.loads(request.body) == {"model": "m", "max_tokens": 5, "messages": [USER]}


def test_a_stream_asks_for_its_usage() -> None:
    request = request_of(stream=True)
    assert (request.stream, request.include_usage) == (True, True)
    assert json.loads(request.body)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 3}, {"temperature": 0.5, "top_p": 0.9, "top_k": 3}),
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ({"stop_sequences": []}, {}),
        ({"metadata": {"user_id": "alice"}}, {"user": "alice"}),
        ({"metadata": {}}, {}),
        (thinking(1024), {**thinking(1024), "reasoning_effort": "low"}),
        (thinking(8192), {**thinking(8192), "reasoning_effort": "medium"}),
        (thinking(8193), {**thinking(8193), "reasoning_effort": "high"}),
        (ADAPTIVE, ADAPTIVE),
        ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ({**ADAPTIVE, "output_config": {"effort": "low"}}, {**ADAPTIVE, "reasoning_effort": "low"}),
        ({"output_config": {"effort": "max"}}, {"reasoning_effort": "xhigh"}),
        ({"output_config": {}}, {}),
        ({"tools": [TOOL]}, {"tools": [FUNCTION]}),
        ({"tools": [{**TOOL, "cache_control": MARK}]}, {"tools": [{**FUNCTION, "cache_control": MARK}]}),
        ({"tools": [TOOL], "tool_choice": {"type": "auto"}}, {"tools": [FUNCTION], "tool_choice": "auto"}),
        ({"tools": [TOOL], "tool_choice": {"type": "none"}}, {"tools": [FUNCTION], "tool_choice": "none"}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
            {"tools": [FUNCTION], "tool_choice": "required", "parallel_tool_calls": False},
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "weather"}},
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        ),
        ({"tools": [], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, {}),
        ({"service_tier": "auto", "context_management": {"edits": []}}, {}),
    ],
)
def test_parameters(fields: Fields, expected: Fields) -> None:
    assert chat_of(**fields) == {"model": "m", "max_tokens": 5, "messages": [USER], **expected}


def test_all_of_a_tool() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {}}}
    tool = {"type": "custom", "name": "f", "description": "Does.", "input_schema": schema, "strict": True}
    function = {"name": "f", "description": "Does.", "parameters": schema, "strict": True}
    assert chat_of(tools=[tool])["tools"] == [{"type": "function", "function": function}]


def test_a_form_is_a_schema_to_be_kept() -> None:
    form = chat_of(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})["response_format"]
    assert form == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
    }


def test_instructions_come_first() -> None:
    assert messages_of(USER, system="Be brief.") == [{"role": "system", "content": "Be brief."}, USER]
    assert messages_of(USER, system=[text("Be brief."), text("Be kind.")])[0]["content"] == "Be brief.\nBe kind."
    kept = messages_of(USER, system=[text("Be brief.", cache_control=MARK)])[0]["content"]
    assert kept == [text("Be brief.", cache_control=MARK)]
    assert messages_of(USER, system=[]) == [USER]


def test_instructions_in_the_middle_stay_there() -> None:
    expected = [USER, {"role": "system", "content": "Now French."}, {"role": "user", "content": "Yes."}]
    assert (
        messages_of(USER, {"role": "system", "content": "Now French."}, {"role": "user", "content": "Yes."}) == expected
    )
    assert heard(text("Hi"), {"type": "mid_conv_system", "content": [text("Now French.")]}, text("Yes.")) == expected


def test_what_a_user_shows() -> None:
    (message,) = heard(
        text("Look."),
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}, "cache_control": MARK},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "T"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "D"}, "context": "C"},
        {"type": "search_result", "source": "https://s", "title": "S", "content": [text("found"), text("more")]},
    )
    assert message["content"] == [
        text("Look."),
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}, "cache_control": MARK},
        text("T"),
        {"type": "file", "file": {"filename": "T", "file_data": f"data:application/pdf;base64,{PDF}"}},
        text("C"),
        text("D"),
        text("S\nhttps://s\nfound\nmore"),
    ]


def test_what_the_model_said_is_one_message() -> None:
    assert said(
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        text("I look "),
        text("it up."),
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": [1, {"b": None}]}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
    ) == [
        {
            "role": "assistant",
            "content": "I look it up.",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": '{"a":[1, {"b": null}]}'}},
                {"id": "toolu_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        }
    ]


def test_signed_reasoning_goes_back_as_it_was() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "eA=="},
    ]
    (message,) = said(*blocks, text("Hi"))
    assert message == {"role": "assistant", "content": "Hi", "thinking_blocks": blocks}


def test_results_come_right_after_the_calls_and_images_after_them() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}
    found = heard(
        text("And?"),
        {"type": "tool_result", "tool_use_id": "a", "content": "18°"},
        {"type": "tool_result", "tool_use_id": "b", "content": [text("x"), image], "is_error": True},
        {"type": "tool_result", "tool_use_id": "c", "cache_control": MARK},
    )
    assert found == [
        {"role": "tool", "tool_call_id": "a", "content": "18°"},
        {"role": "tool", "tool_call_id": "b", "content": "x", "is_error": True},
        {"role": "tool", "tool_call_id": "c", "content": "", "cache_control": MARK},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]},
        {"role": "user", "content": "And?"},
    ]


def test_the_prompt_can_be_marked_as_a_whole() -> None:
    assert messages_of(USER, cache_control=MARK) == [{**USER, "cache_control": MARK}]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [], "system": "Be brief."}, "messages"),
        ({"model": ""}, "model"),
        ({"temperature": 2}, "temperature"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "server_tool_use"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "source": {"type": "text", "media_type": "text/plain", "data": "D"},
                                "citations": {"enabled": True},
                            }
                        ],
                    }
                ]
            },
            "messages[0].content[0].citations",
        ),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "any"}}, "tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": 3}}, "thinking.budget_tokens"),
        ({"container": "c"}, "container"),
        ({"mcp_servers": []}, "mcp_servers"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(fields: Fields, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        request_of(**fields)
    assert caught.value.param == param


def test_a_count_is_of_the_same_prompt() -> None:
    fields = {"model": "m", "messages": [USER], "system": "Be brief.", "tools": [TOOL]}
    counted = read_count(json.dumps(fields).encode()).request
    assert counted.operation is Operation.COUNT
    chat = chat_of(system="Be brief.", tools=[TOOL])
    del chat["max_tokens"]
    assert json.loads(counted.body) == chat


@given(requests)
def test_every_valid_request_is_a_valid_chat(body: Fields) -> None:
    check("CreateMessageParams", body, "anthropic")
    chat = json.loads(Messages.read(json.dumps(body).encode()).request.body)
    check("CreateChatCompletionRequest", chat)


@given(broken(requests))
def test_every_other_request_is_refused_as_input(body: Fields) -> None:
    for read in (Messages.read, read_count):
        try:
            request = read(json.dumps(body).encode()).request
        except InvalidRequestError:
            continue
        assert json.loads(request.body)["messages"]


def test_anthropic_itself_gets_what_its_client_said() -> None:
    turns = [
        {"role": "user", "content": [text("Weather?", cache_control=MARK)]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                text("I look."),
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [text("18°")],
                    "is_error": True,
                    "cache_control": MARK,
                }
            ],
        },
    ]
    system = [text("Be brief.", cache_control={"type": "ephemeral", "ttl": "1h"})]
    request = request_of(messages=turns, system=system, tools=[{**TOOL, "cache_control": MARK}])
    sent = message_params(request, "claude-sonnet-4-5", None, Parameters(TRANSLATED, drop=False))
    encoded = json.loads(json.dumps(sent, default=_plain))
    assert encoded["messages"] == turns
    assert encoded["system"] == system
    assert encoded["tools"][0]["cache_control"] == MARK


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("claude-sonnet-4-5", {**thinking(2000), "max_tokens": 4000}),
        ("claude-opus-4-8", {**ADAPTIVE, "output_config": {"effort": "medium"}}),
        ("claude-opus-4-8", {"thinking": {"type": "disabled"}}),
    ],
)
def test_anthropic_itself_thinks_as_its_client_said(model: str, asked: Fields) -> None:
    sent = message_params(request_of(**asked), model, None, Parameters(TRANSLATED, drop=False))
    assert {name: sent.get(name) for name in ("thinking", "output_config")} == {"output_config": None} | {
        name: value for name, value in asked.items() if name != "max_tokens"
    }


def test_others_are_asked_to_think_in_openai_s_words() -> None:
    strict = Parameters(frozenset({"max_tokens", "reasoning_effort"}), drop=False)
    assert strict.read(request_of(**thinking(2000))).reasoning_effort == "low"
    with pytest.raises(UnsupportedParameterError):
        strict.read(request_of(top_k=3))


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value) if not isinstance(value, msgspec.Raw) else json.loads(bytes(value))


def test_errors_are_of_one_tree() -> None:
    with pytest.raises(ForebayError, match="not valid JSON"):
        Messages.read(b"{")
