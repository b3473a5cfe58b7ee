"""Whatever OpenAI's clients send becomes something that Google's documents allow, Gemini's and Vertex's."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import InvalidRequestError, ModelNotFoundError, UnsupportedParameterError
from forebay.providers.dialects.gemini.dialect import GeminiDialect, GeminiSettings
from forebay.providers.dialects.vertex import VertexDialect, VertexSettings
from tests.support import chats
from tests.support.dialects import call
from tests.support.schemas import check

Fields = dict[str, Any]

FLASH, PRO, THREE, PLAIN = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview", "gemini-2.0-flash"
USER = {"role": "user", "content": "Hi"}


def translate(body: Fields, model: str = FLASH, *, drop: bool = False) -> Fields:
    dialect = GeminiDialect(GeminiSettings(drop_params=drop))
    fields = {"messages": [USER], **{name: value for name, value in body.items() if name != "model"}}
    found: Fields = json.loads(dialect.chat(call(**fields), model).body)
    check("GenerateContentRequest", found, "gemini")
    return found


def translate_for_vertex(body: Fields, model: str = FLASH) -> Fields:
    dialect = VertexDialect(VertexSettings(project="p", drop_params=True))
    fields = {name: value for name, value in body.items() if name != "model"}
    found: Fields = json.loads(dialect.chat(call(**fields), model).body)
    check("GoogleCloudAiplatformV1GenerateContentRequest", found, "vertex")
    return found


@settings(max_examples=60)
@given(chats.chats(), st.sampled_from([FLASH, PRO, THREE, PLAIN, "gemma-3"]))
def test_every_chat_becomes_a_valid_request(body: Fields, model: str) -> None:
    for found in (translate(body, model, drop=True), translate_for_vertex(body, model)):
        roles = [content["role"] for content in found["contents"]]
        assert roles == [("user", "model")[index % 2] for index in range(len(roles))]
        assert all(content["parts"] for content in found["contents"])
        for declared in found.get("tools", [{"functionDeclarations": []}])[0]["functionDeclarations"]:
            assert "$ref" not in json.dumps(declared)


@settings(max_examples=60)
@given(chats.chats())
def test_nothing_is_dropped_without_being_told(body: Fields) -> None:
    refused = None
    try:
        translate(body)
    except UnsupportedParameterError as error:
        refused = error
    if refused is not None:
        assert refused.param in body


def called(*ids: str, **more: Any) -> Fields:
    calls = [
        {"id": each, "type": "function", "function": {"name": f"f_{each}", "arguments": '{"a":1}'}} for each in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def result(call_id: str, content: Any, **more: Any) -> Fields:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def test_results_find_their_function_by_name() -> None:
    messages = [
        USER,
        called("a", "b"),
        result("b", '{"x": 1}'),
        result("a", [{"type": "text", "text": "42"}]),
        result("c", "lost", is_error=True),
    ]
    *_, last = translate({"messages": messages})["contents"]
    assert last == {
        "role": "user",
        "parts": [
            {"functionResponse": {"name": "f_b", "response": {"x": 1}, "id": "b"}},
            {"functionResponse": {"name": "f_a", "response": {"result": "42"}, "id": "a"}},
            {"functionResponse": {"name": "unknown", "response": {"error": "lost"}, "id": "c"}},
        ],
    }
    assert "id" not in translate_for_vertex({"messages": messages})["contents"][2]["parts"][0]["functionResponse"]


def signed(signature: Any) -> Fields:
    return {"extra_content": {"google": {"thought_signature": signature}}}


def test_signatures_come_back_with_their_parts() -> None:
    message = called("a", "b", content="So.", **signed("dGV4dA=="))
    message["tool_calls"][0] |= signed("Y2FsbA==")
    message["tool_calls"][1] |= signed("not base64!")
    parts = translate({"messages": [USER, message]}, THREE)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["dGV4dA==", "Y2FsbA==", None]


def test_calls_that_another_model_made_are_excused_where_signatures_are_demanded() -> None:
    def signature(model: str) -> str | None:
        parts = translate({"messages": [USER, called("a", "b")]}, model)["contents"][1]["parts"]
        assert "thoughtSignature" not in parts[1]
        found: str | None = parts[0].get("thoughtSignature")
        return found

    assert signature(THREE) == "skip_thought_signature_validator"
    assert signature(FLASH) is None


@pytest.mark.parametrize(
    ("messages", "system", "roles"),
    [
        ([{"role": "system", "content": "Be brief."}, USER], "Be brief.", ["user"]),
        ([{"role": "system", "content": "Be brief."}], None, ["user"]),
        ([{"role": "assistant", "content": "So"}], None, ["user", "model"]),
        ([{"role": "user", "content": ""}], None, ["user"]),
        ([USER, USER], None, ["user"]),
    ],
)
def test_a_conversation(messages: list[Fields], system: str | None, roles: list[str]) -> None:
    found = translate({"messages": messages})
    assert [content["role"] for content in found["contents"]] == roles
    assert found.get("systemInstruction") == ({"parts": [{"text": system}]} if system else None)


def test_everything_that_can_be_shown() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{chats.PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.webp?b=c"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"file_data": chats.PDF}},
        {"type": "file", "file": {"file_data": "SGFsbG8=", "filename": "a.txt"}},
    ]
    (content,) = translate({"messages": [{"role": "user", "content": parts}]})["contents"]
    assert [next(iter(part.values()))["mimeType"] for part in content["parts"]] == [
        "image/png",
        "image/webp",
        "image/jpeg",
        "audio/wav",
        "application/pdf",
        "text/plain",
    ]


def test_the_parameters() -> None:
    found = translate(
        {
            "temperature": 1.5,
            "top_p": 0.5,
            "top_k": 3,
            "n": 2,
            "seed": -1,
            "stop": "END",
            "max_completion_tokens": 9,
            "frequency_penalty": 1,
            "logprobs": True,
            "top_logprobs": 2,
            "response_format": {"type": "json_object"},
        }
    )
    assert found["generationConfig"] == {
        "temperature": 1.5,
        "topP": 0.5,
        "topK": 3,
        "candidateCount": 2,
        "seed": 2**31 - 1,
        "stopSequences": ["END"],
        "maxOutputTokens": 9,
        "frequencyPenalty": 1,
        "responseLogprobs": True,
        "logprobs": 2,
        "responseMimeType": "application/json",
    }


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (FLASH, "none", {"includeThoughts": False, "thinkingBudget": 0}),
        (PRO, "none", {"includeThoughts": False, "thinkingBudget": 128}),
        (FLASH, "high", {"includeThoughts": True, "thinkingBudget": 24_576}),
        (THREE, "low", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        (THREE, "medium", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3-flash", "minimal", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
        (PLAIN, "high", None),
    ],
)
def test_reasoning_effort(model: str, effort: str, expected: Fields | None) -> None:
    found = translate({"reasoning_effort": effort}, model)
    assert found.get("generationConfig", {}).get("thinkingConfig") == expected


TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tool_choice(choice: Any, expected: Fields | None) -> None:
    found = translate({"tools": TOOLS, "tool_choice": choice})
    assert found.get("toolConfig", {}).get("functionCallingConfig") == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"parallel_tool_calls": False, "tools": TOOLS}, "parallel_tool_calls"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "x"}}]}]},
            "messages.content.file.file_data",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "http://x"}}}]},
            "tools.function.parameters",
        ),
    ],
)
def test_what_is_refused(fields: Fields, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        translate(fields)
    assert caught.value.param == param


@pytest.mark.parametrize("model", ["", "..", "a/b", "a?b", "a#b", "a\r\nb", "a b", "ü", "models/", "a:predict"])
def test_names_that_no_model_can_have(model: str) -> None:
    with pytest.raises(ModelNotFoundError):
        translate({}, model)


def test_where_models_are() -> None:
    gemini, vertex = GeminiDialect(GeminiSettings()), VertexDialect(VertexSettings(project="p", location="us-east5"))
    assert gemini.chat(call(), "models/gemini-x").path == b"/models/gemini-x:generateContent"
    assert gemini.chat(call(stream=True), "gemini-x").path == b"/models/gemini-x:streamGenerateContent?alt=sse"
    place = b"/projects/p/locations/us-east5/publishers/google/models/"
    assert vertex.chat(call(), "gemini-x").path == place + b"gemini-x:generateContent"
    assert VertexSettings(project="p", location="us-east5").base_url == "https://us-east5-aiplatform.googleapis.com/v1"
    assert VertexSettings(project="p").base_url == "https://aiplatform.googleapis.com/v1"
    with pytest.raises(ValueError, match="project"):
        VertexSettings()
