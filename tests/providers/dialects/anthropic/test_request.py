"""Whatever OpenAI's clients send becomes something that Anthropic's document allows."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import InvalidRequestError, UnsupportedParameterError
from forebay.core.types import Operation, Request
from forebay.providers.dialects.anthropic.dialect import AnthropicDialect, AnthropicSettings
from tests.support import chats
from tests.support.dialects import call
from tests.support.schemas import check

Fields = dict[str, Any]

NEWEST, EFFORT, BUDGET, OLD, OLDEST = (
    "claude-opus-4-8",
    "claude-sonnet-4-6",
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-20250514",
    "claude-3-haiku-20240307",
)
MODELS = (NEWEST, EFFORT, BUDGET, OLD, OLDEST, "claude-3-7-sonnet-20250219", "someone-else's")


def translate(body: Fields, model: str = BUDGET, *, drop: bool = False, **options: Any) -> Fields:
    dialect = AnthropicDialect(AnthropicSettings(drop_params=drop, **options))
    fields = {name: value for name, value in body.items() if name != "messages"}
    asked = call(messages=body.get("messages", [{"role": "user", "content": "Hi"}]), **fields)
    found: Fields = json.loads(dialect.chat(asked, model).body)
    check("CreateMessageParams", found, "anthropic")
    return found


@settings(max_examples=60)
@given(chats.chats())
def test_the_generated_chats_are_openai_s(body: Fields) -> None:
    check("CreateChatCompletionRequest", body)


@settings(max_examples=60)
@given(chats.chats(), st.sampled_from(MODELS))
def test_every_chat_becomes_a_valid_request(body: Fields, model: str) -> None:
    found = translate(body, model, drop=True)
    roles = [turn["role"] for turn in found["messages"]]
    assert roles == [("user", "assistant")[index % 2] for index in range(len(roles))]
    for turn in found["messages"]:
        assert turn["content"]
    thinking = found.get("thinking", {})
    if thinking.get("type") == "enabled":
        assert thinking["budget_tokens"] < found["max_tokens"]
    if thinking:
        assert "temperature" not in found
        assert found.get("tool_choice", {}).get("type") not in {"any", "tool"}
    if model == NEWEST:
        assert not found.keys() & {"temperature", "top_p", "top_k"}
    assert found["max_tokens"] == body.get("max_completion_tokens") or body.get("max_tokens") or found["max_tokens"]


@settings(max_examples=60)
@given(chats.chats(), st.sampled_from(MODELS))
def test_nothing_is_dropped_without_being_told(body: Fields, model: str) -> None:
    refused = None
    try:
        translate(body, model)
    except UnsupportedParameterError as error:
        refused = error
    if refused is not None:
        assert refused.param in body
        assert str(refused.param) in refused.message


@given(
    st.binary(max_size=40)
    | st.text(max_size=40).map(str.encode)
    | st.builds(
        lambda x: json.dumps({"messages": x}).encode(),
        st.recursive(
            st.none() | st.text() | st.integers(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["role", "content", "type", "text"]), inner)
            ),
        ),
    )
)
def test_whatever_is_no_chat_is_the_client_s_fault(body: bytes) -> None:
    asked = call()
    broken = type(asked)(asked.id, Request(Operation.CHAT, "m", body), asked.principal, asked.trace)
    with contextlib.suppress(InvalidRequestError):  # nothing else
        AnthropicDialect(AnthropicSettings()).chat(broken, "claude")


SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "Hi"}


def called(*ids: str, **more: Any) -> Fields:
    calls = [{"id": each, "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}} for each in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def result(call_id: str, content: Any = "42", **more: Any) -> Fields:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def text(value: str) -> Fields:
    return {"type": "text", "text": value}


@pytest.mark.parametrize(
    ("messages", "system", "turns"),
    [
        ([SYSTEM, USER], ["Be brief."], [("user", [text("Hi")])]),
        ([USER, SYSTEM, {"role": "developer", "content": "Rhyme."}], ["Be brief.", "Rhyme."], [("user", [text("Hi")])]),
        ([SYSTEM], None, [("user", [text("Be brief.")])]),
        ([USER, USER], None, [("user", [text("Hi"), text("Hi")])]),
        ([{"role": "user", "content": " "}], None, [("user", [text(".")])]),
        ([{"role": "assistant", "content": "So \n"}], None, [("user", [text(".")]), ("assistant", [text("So")])]),
        (
            [USER, called("a", "b"), result("a"), result("b", [text("x")]), USER],
            None,
            [
                ("user", [text("Hi")]),
                ("assistant", [{"type": "tool_use", "id": each, "name": "f", "input": {"a": 1}} for each in "ab"]),
                (
                    "user",
                    [
                        {"type": "tool_result", "tool_use_id": "a", "content": [text("42")]},
                        {"type": "tool_result", "tool_use_id": "b", "content": [text("x")]},
                        text("Hi"),
                    ],
                ),
            ],
        ),
        (
            [USER, called("a"), result("a", "", is_error=True)],
            None,
            [
                ("user", [text("Hi")]),
                ("assistant", [{"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}}]),
                ("user", [{"type": "tool_result", "tool_use_id": "a", "is_error": True}]),
            ],
        ),
    ],
)
def test_a_conversation(
    messages: list[Fields], system: list[str] | None, turns: list[tuple[str, list[Fields]]]
) -> None:
    found = translate({"messages": messages})
    assert [each["text"] for each in found.get("system", ())] == (system or [])
    assert [(turn["role"], turn["content"]) for turn in found["messages"]] == turns


def test_thinking_comes_back_first_and_as_it_was() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig", "index": 0},
        {"type": "redacted_thinking", "data": "x", "index": 1},
        {"type": "thinking", "thinking": "somebody else's", "signature": ""},
    ]
    messages = [USER, called("a", content="Let me see.", thinking_blocks=blocks), result("a")]
    content = translate({"messages": messages, "reasoning_effort": "low"})["messages"][1]["content"]
    assert content[:3] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "x"},
        text("Let me see."),
    ]
    assert content[3]["type"] == "tool_use"


def test_ids_of_others_are_made_fit_and_still_match() -> None:
    found = translate(
        {"messages": [USER, called("call.1", "call_1", ""), result("call.1"), result("call_1"), result("")]}
    )
    calls = [block["id"] for block in found["messages"][1]["content"]]
    assert [block["tool_use_id"] for block in found["messages"][2]["content"]] == calls
    assert len(set(calls)) == 3
    assert calls[1] == "call_1"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", {}), ('{"a": [1]}', {"a": [1]}), ("{oops", {"arguments": "{oops"}), ("[1]", {"arguments": "[1]"})],
)
def test_arguments_that_are_no_object(arguments: str, expected: Fields) -> None:
    message = called("a")
    message["tool_calls"][0]["function"]["arguments"] = arguments
    found = translate({"messages": [USER, message, result("a")]})
    assert found["messages"][1]["content"][0]["input"] == expected


def test_tools_of_the_past_are_declared_when_none_is_offered() -> None:
    found = translate({"messages": [USER, called("a"), result("a")]})
    assert [tool["name"] for tool in found["tools"]] == ["f"]
    assert found["tool_choice"] == {"type": "none"}


def test_cache_control_stays_where_it_was() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    found = translate(
        {
            "messages": [
                {"role": "system", "content": [{**text("a"), "cache_control": mark}]},
                {"role": "user", "content": "b", "cache_control": mark},
            ],
            "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": mark}],
        }
    )
    assert found["system"][0]["cache_control"] == mark
    assert found["messages"][0]["content"][0]["cache_control"] == mark
    assert found["tools"][0]["cache_control"] == mark


def shown(url: str) -> list[Fields]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


def test_images_and_documents() -> None:
    def block(url: str) -> Fields:
        found: Fields = translate({"messages": shown(url)})["messages"][0]["content"][0]
        return found

    assert block(f"data:image/png;base64,{chats.PIXEL}")["source"] == {
        "type": "base64",
        "media_type": "image/png",
        "data": chats.PIXEL,
    }
    assert block("HTTPS://x.test/a.png")["source"] == {"type": "url", "url": "HTTPS://x.test/a.png"}
    assert block(f"data:application/pdf;base64,{chats.PDF}")["type"] == "document"
    part = {"type": "file", "file": {"file_data": "data:text/plain;base64,SGFsbG8="}}
    document = translate({"messages": [{"role": "user", "content": [part]}]})["messages"][0]["content"][0]
    assert document["source"] == {"type": "text", "media_type": "text/plain", "data": "Hallo"}


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x/y",
        "x",
        "",
        "data:image/png,abc",
        "data:image/png;base64,",
        "data:image/png;base64,a b",
        "data:image/png;base64,abcde",
        "data:image/tiff;base64,abcd",
        "data:image/png;base64," + "A" * 30_000_001,
        "https://x\r\ny",
    ],
)
def test_what_is_no_image(url: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        translate({"messages": shown(url)})
    assert caught.value.param == "messages.content.image_url.url"
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"guided_json": {}}, "guided_json"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"stop": ["\n"]}, "stop"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "thinking.budget_tokens"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
            "messages.content.file.file_data",
        ),
    ],
)
def test_what_is_refused(fields: Fields, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        translate(fields)
    assert caught.value.param == param


def test_what_says_nothing_is_no_reason_to_refuse() -> None:
    neutral: Fields = {
        "n": 1,
        "seed": None,
        "logprobs": False,
        "frequency_penalty": 0.0,
        "logit_bias": {},
        "modalities": ["text"],
    }
    hints = {"store": True, "metadata": {"a": "b"}, "service_tier": "flex", "prompt_cache_key": "k"}
    assert translate({**neutral, **hints}).keys() == {"model", "max_tokens", "messages"}


TOOLS = [{"type": "function", "function": {"name": name, "strict": True}} for name in ("f", "g")]
NAMED = {"type": "function", "function": {"name": "f"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": NAMED}, {"type": "tool", "name": "f"}),
        ({"tool_choice": ALLOWED}, {"type": "any"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, None),
        (
            {"parallel_tool_calls": False, "tool_choice": NAMED},
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}),
    ],
)
def test_tool_choice(fields: Fields, choice: Fields | None) -> None:
    found = translate({"tools": TOOLS, **fields})
    assert found.get("tool_choice") == choice
    assert [tool["name"] for tool in found["tools"]] == (["f"] if fields.get("tool_choice") is ALLOWED else ["f", "g"])
    assert all(tool["strict"] for tool in found["tools"])
    assert "strict" not in translate({"tools": TOOLS}, OLD)["tools"][0]


SCHEMA = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}}}
FORM = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}


def test_a_schema_is_asked_for_where_the_model_can_be_held_to_it() -> None:
    format_ = translate(FORM, NEWEST)["output_config"]["format"]
    assert format_["schema"]["additionalProperties"] is False
    assert format_["schema"]["properties"]["a"]["items"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        (FORM, {"type": "tool", "name": "answer_in_json", "disable_parallel_tool_use": True}),
        ({**FORM, "tools": TOOLS}, {"type": "any", "disable_parallel_tool_use": True}),
        (
            {**FORM, "tools": TOOLS, "tool_choice": "none"},
            {"type": "tool", "name": "answer_in_json", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_elsewhere_a_tool_takes_the_answer(fields: Fields, choice: Fields) -> None:
    found = translate(fields, OLD)
    assert found["tool_choice"] == choice
    assert found["tools"][-1]["input_schema"]["properties"] == SCHEMA["properties"]


@pytest.mark.parametrize(
    ("model", "effort", "limit", "thinking", "config"),
    [
        (NEWEST, "xhigh", None, {"type": "adaptive", "display": "summarized"}, {"effort": "xhigh"}),
        (EFFORT, "xhigh", None, {"type": "adaptive", "display": "summarized"}, {"effort": "max"}),
        (EFFORT, "minimal", None, {"type": "adaptive", "display": "summarized"}, {"effort": "low"}),
        (BUDGET, "medium", None, {"type": "enabled", "budget_tokens": 8192}, None),
        (BUDGET, "high", 2000, {"type": "enabled", "budget_tokens": 1999}, None),
        (BUDGET, "high", 1024, None, None),
        (OLDEST, "high", None, None, None),
        (NEWEST, "none", None, None, None),
    ],
)
def test_reasoning_effort(
    model: str, effort: str, limit: int | None, thinking: Fields | None, config: Fields | None
) -> None:
    found = translate({"reasoning_effort": effort, "max_tokens": limit}, model)
    assert found.get("thinking") == thinking
    assert found.get("output_config") == config


@pytest.mark.parametrize(
    "thinking",
    [
        {"type": "enabled", "budget_tokens": 2048},
        {"type": "adaptive", "display": "omitted"},
        {"type": "disabled"},
    ],
)
def test_thinking_as_anthropic_s_users_ask_for_it(thinking: Fields) -> None:
    assert translate({"thinking": thinking, "reasoning_effort": "high"})["thinking"] == thinking


def test_no_thinking_in_the_middle_of_a_turn_that_began_without() -> None:
    messages = [USER, called("a"), result("a")]
    assert "thinking" not in translate({"messages": messages, "reasoning_effort": "high", "tools": TOOLS})
    assert "thinking" in translate({"messages": [*messages, USER], "reasoning_effort": "high", "tools": TOOLS})


def test_sampling_as_each_generation_takes_it() -> None:
    wanted = {"temperature": 1.6, "top_p": 0.5, "top_k": 40}
    found = translate(wanted, OLD)
    assert (found["temperature"], found["top_p"], found["top_k"]) == (1, 0.5, 40)
    with pytest.raises(UnsupportedParameterError, match="temperature"):
        translate(wanted, NEWEST)
    assert translate({"temperature": 1, "top_p": 1}, NEWEST).keys() == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(("model", "most"), [(OLDEST, 4096), ("claude-3-5-haiku-latest", 8192), (NEWEST, 32_000)])
def test_the_longest_answer_where_nobody_says(model: str, most: int) -> None:
    assert translate({}, model)["max_tokens"] == most
    assert translate({}, model, max_tokens=99)["max_tokens"] == 99
    assert translate({"max_tokens": 7}, model, max_tokens=99)["max_tokens"] == 7


def test_the_user_is_told_within_bounds() -> None:
    assert translate({"user": "u", "safety_identifier": "s"})["metadata"] == {"user_id": "s"}
    assert "metadata" not in translate({"user": "u" * 513})
