"""Cohere's dialect against Cohere's document, both ways."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import InvalidRequestError, UnsupportedParameterError
from forebay.core.types import Call, Operation, Principal, Request, Trace, Usage
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.cohere.dialect import CohereDialect, CohereSettings
from forebay.providers.dialects.cohere.reply import CohereReader
from forebay.providers.dialects.dialect import VendorError
from forebay.providers.dialects.whole import Gatherer
from tests.support import chats
from tests.support.dialects import ask, call, completion, gathered, normal
from tests.support.faulty import whole
from tests.support.recordings import COHERE, function
from tests.support.schemas import check

Fields = dict[str, Any]

USER = {"role": "user", "content": "Hi"}
without_files = st.deferred(chats.chats).filter(lambda body: not any(part in json.dumps(body) for part in ('"file"',)))


def translate(body: Fields, model: str = "command-a-03-2025", *, drop: bool = False) -> Fields:
    dialect = CohereDialect(CohereSettings(drop_params=drop))
    fields = {"messages": [USER], **{name: value for name, value in body.items() if name != "model"}}
    found: Fields = json.loads(dialect.chat(call(**fields), model).body)
    check("/v2/chat", found, "cohere")
    return found


@settings(max_examples=60)
@given(without_files, st.sampled_from(["command-a-03-2025", "command-a-reasoning-08-2025"]))
def test_every_chat_becomes_a_valid_request(body: Fields, model: str) -> None:
    found = translate(body, model, drop=True)
    for message in found["messages"]:
        for made in message.get("tool_calls", ()):
            assert isinstance(json.loads(made["function"]["arguments"]), dict)
        assert message.get("content") or message.get("tool_calls") or message["role"] == "tool"


@settings(max_examples=60)
@given(without_files)
def test_nothing_is_dropped_without_being_told(body: Fields) -> None:
    refused = None
    try:
        translate(body)
    except UnsupportedParameterError as error:
        refused = error
    if refused is not None:
        assert refused.param in body


TOOLS = [{"type": "function", "function": {"name": name, "strict": True}} for name in ("f", "g")]


@pytest.mark.parametrize(
    ("choice", "expected", "offered"),
    [
        (None, None, ["f", "g"]),
        ("auto", None, ["f", "g"]),
        ("none", "NONE", ["f", "g"]),
        ("required", "REQUIRED", ["f", "g"]),
        ({"type": "function", "function": {"name": "g"}}, "REQUIRED", ["g"]),
    ],
)
def test_tool_choice(choice: Any, expected: str | None, offered: list[str]) -> None:
    found = translate({"tools": TOOLS, "tool_choice": choice})
    assert found.get("tool_choice") == expected
    assert [tool["function"]["name"] for tool in found["tools"]] == offered
    assert found["strict_tools"]


def test_the_plan_for_calls_comes_back_as_one() -> None:
    made = {"role": "assistant", "content": "I will look.", "tool_calls": [function("a", "f", "oops")]}
    messages = [USER, made, {"role": "tool", "tool_call_id": "a", "content": "42"}]
    found = translate({"messages": messages})["messages"]
    assert found[1]["tool_plan"] == "I will look."
    assert json.loads(found[1]["tool_calls"][0]["function"]["arguments"]) == {"arguments": "oops"}
    assert found[2] == {"role": "tool", "tool_call_id": "a", "content": "42"}


def test_the_parameters_within_their_narrower_ranges() -> None:
    wanted = {"temperature": 2, "top_p": 1, "top_k": 900, "seed": -1, "presence_penalty": 2, "stop": ["", "END"]}
    found = translate({**wanted, "max_tokens": 5})
    assert {name: found[name] for name in found if name not in {"model", "messages", "stream"}} == {
        "temperature": 1,
        "p": 0.99,
        "k": 500,
        "seed": 2**63 - 1,
        "presence_penalty": 1,
        "stop_sequences": ["END"],
        "max_tokens": 5,
    }


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("command-a-reasoning-08-2025", "none", {"type": "disabled"}),
        ("command-a-reasoning-08-2025", "low", {"type": "enabled", "token_budget": 1024}),
        ("command-a-03-2025", "low", None),
    ],
)
def test_reasoning_effort(model: str, effort: str, expected: Fields | None) -> None:
    assert translate({"reasoning_effort": effort}, model).get("thinking") == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"frequency_penalty": -1}, "frequency_penalty"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}, "tools": TOOLS}, "tool_choice"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "eA=="}}]}]},
            "messages.content.type",
        ),
    ],
)
def test_what_is_refused(fields: Fields, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        translate(fields)
    assert caught.value.param == param


texts = st.text(max_size=10)
contents = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts}),
)
calls = st.builds(function, st.just("id_1"), st.just("f"), st.sampled_from(["{}", '{"a":[1]}']))
tokens = st.integers(0, 1000).map(float)
replies = st.fixed_dictionaries(
    {
        "id": st.just("x"),
        "finish_reason": st.sampled_from(["COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TOOL_CALL"]),
        "message": st.fixed_dictionaries(
            {"role": st.just("assistant")},
            optional={
                "content": st.lists(contents, max_size=3),
                "tool_plan": texts,
                "tool_calls": st.lists(calls, max_size=2),
            },
        ),
        "usage": st.fixed_dictionaries(
            {"tokens": st.fixed_dictionaries({"input_tokens": tokens, "output_tokens": tokens})},
            optional={"cached_tokens": tokens},
        ),
    }
)


def event(kind: str, index: int, **message: Any) -> Fields:
    return {"type": kind, "index": index, "delta": {"message": message}}


def events_of(reply: Fields) -> list[Fields]:
    message = reply["message"]
    events: list[Fields] = [{"type": "message-start", "id": reply["id"], "delta": {"message": {"role": "assistant"}}}]
    if plan := message.get("tool_plan"):
        events.append({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": plan}}})
    for index, content in enumerate(message.get("content", ())):
        field = content["type"]
        events.append(event("content-start", index, content={"type": field, field: ""}))
        events.append(event("content-delta", index, content={field: content[field]}))
        events.append({"type": "content-end", "index": index})
    for index, made in enumerate(message.get("tool_calls", ())):
        arguments = made["function"]["arguments"]
        started = {**made, "function": {**made["function"], "arguments": ""}}
        events.append(event("tool-call-start", index, tool_calls=started))
        events.append(event("tool-call-delta", index, tool_calls={"function": {"arguments": arguments}}))
        events.append({"type": "tool-call-end", "index": index})
    return [
        *events,
        {"type": "message-end", "delta": {"finish_reason": reply["finish_reason"], "usage": reply["usage"]}},
    ]


@settings(max_examples=60)
@given(replies)
def test_whole_and_streamed_are_the_same_answer(reply: Fields) -> None:
    check("ChatResponseV2", reply, "cohere")
    answer = Gatherer("ours", "m", CohereDialect(CohereSettings()).reasons)
    CohereReader().whole(json.dumps(reply).encode(), answer)
    chunks = Chunks("ours", "m", CohereDialect(CohereSettings()).reasons, include_usage=True)
    reader = CohereReader()
    for each in events_of(reply):
        check("StreamedChatResponseV2", each, "cohere")
        reader.event(json.dumps(each).encode(), chunks)
    taken = chunks.take()
    assert chunks.ended
    assert taken is not None
    assert normal(completion(answer.body())) == normal(gathered(taken.data))


@pytest.mark.parametrize(("reason", "status"), [("ERROR", 500), ("TIMEOUT", 504)])
def test_an_answer_that_failed(reason: str, status: int) -> None:
    body = json.dumps({"id": "x", "message": {"role": "assistant"}, "finish_reason": reason}).encode()
    with pytest.raises(VendorError) as caught:
        CohereReader().whole(body, Gatherer("", "", CohereDialect(CohereSettings()).reasons))
    assert caught.value.status == status


def test_the_recording_is_the_vendor_s() -> None:
    check("ChatResponseV2", json.loads(COHERE.whole), "cohere")


async def test_an_invalid_token_is_not_the_client_s_fault() -> None:
    _, error, _ = await ask("cohere", call(), [whole(b'{"message": "invalid token"}', 498)])
    assert error is not None
    assert error.status == 502


def embedding(**fields: Any) -> Call:
    request = Request(Operation.EMBEDDING, "m", json.dumps({"model": "m", **fields}).encode())
    return Call("r", request, Principal("a"), Trace(0.0))


async def test_embeddings() -> None:
    meta = {"billed_units": {"input_tokens": 7.0}}
    reply = {"id": "x", "embeddings": {"float": [[0.5], [0.25]]}, "texts": ["a", "b"], "meta": meta}
    asked = embedding(input=["a", "b"], dimensions=256, input_type="search_query")
    body, _, up = await ask("cohere", asked, [whole(json.dumps(reply).encode())], model="embed-v4.0")
    sent = json.loads(up.requests[0].partition(b"\r\n\r\n")[2])
    check("/v2/embed", sent, "cohere")
    assert sent["input_type"] == "search_query"
    found = json.loads(body)
    check("CreateEmbeddingResponse", found)
    assert [each["embedding"] for each in found["data"]] == [[0.5], [0.25]]
    assert asked.trace.usage == Usage(7)


async def test_too_many_texts() -> None:
    _, error, _ = await ask("cohere", embedding(input=["x"] * 97), [whole(b"{}")])
    assert isinstance(error, InvalidRequestError)
