"""Bedrock's dialect against AWS's own service model, its signatures, and damaged streams."""

import functools
import json
import re
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import (
    ContextLengthError,
    InvalidRequestError,
    RateLimitError,
    UnsupportedParameterError,
    UpstreamError,
)
from forebay.providers.dialects.bedrock.dialect import BedrockDialect, BedrockSettings
from forebay.providers.dialects.bedrock.eventstream import EventStream
from forebay.providers.dialects.bedrock.reply import BedrockReader
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.dialect import VendorError
from forebay.providers.dialects.whole import Gatherer
from forebay.settings import Secret, SettingsError
from tests.support import chats
from tests.support.dialects import ask, call, completion, gathered, made, normal
from tests.support.eventstream import aws_event
from tests.support.faulty import whole
from tests.support.recordings import BEDROCK, function

Fields = dict[str, Any]
USER = {"role": "user", "content": "Hi"}
CLAUDE, NOVA, OPEN = "eu.anthropic.claude-sonnet-4-v1:0", "amazon.nova-pro-v1:0", "openai.gpt-oss-120b-1:0"
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
KEYS: Fields = {"region": "eu-west-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG"}


@functools.cache
def service() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def valid(body: Fields) -> None:
    shape = service().shape_for("ConverseRequest")
    report = ParamValidator().validate({"modelId": "x", **body}, shape)
    assert not report.has_errors(), report.generate_report()


def translate(body: Fields, model: str = CLAUDE, *, drop: bool = False) -> Fields:
    dialect = BedrockDialect(BedrockSettings(region="eu-west-1", api_key=Secret("k"), drop_params=drop))
    fields = {"messages": [USER], **{name: value for name, value in body.items() if name != "model"}}
    found: Fields = json.loads(dialect.chat(call(**fields), model).body)
    valid(found)
    return found


inline = chats.chats().filter(lambda body: "https://" not in json.dumps(body))


@settings(max_examples=50)
@given(inline, st.sampled_from([CLAUDE, NOVA, OPEN]))
def test_every_chat_becomes_a_valid_request(body: Fields, model: str) -> None:
    found = translate(body, model, drop=True)
    turns = found["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2)
    for turn in turns:
        assert turn["content"]
        for block in turn["content"]:
            use = block.get("toolUse") or block.get("toolResult")
            assert use is None or re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", use["toolUseId"])
            assert use is None or "toolConfig" in found or "toolResult" in block
    thinking = found.get("additionalModelRequestFields", {}).get("thinking")
    assert thinking is None or 1024 <= thinking["budget_tokens"] < found["inferenceConfig"]["maxTokens"]


@settings(max_examples=50)
@given(inline)
def test_nothing_is_dropped_without_being_told(body: Fields) -> None:
    refused = None
    try:
        translate(body)
    except UnsupportedParameterError as error:
        refused = error
    assert refused is None or refused.param in body


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", None),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "g"}}, {"tool": {"name": "g"}}),
    ],
)
def test_tool_choice(choice: Any, expected: Fields | None) -> None:
    config = translate({"tools": TOOLS, "tool_choice": choice})["toolConfig"]
    assert config.get("toolChoice") == expected
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["f", "g"]


def test_no_tools_unless_some_were_called() -> None:
    assert "toolConfig" not in translate({"tools": TOOLS, "tool_choice": "none"})
    called = {"role": "assistant", "tool_calls": [function("a", "h", '{"x": 1}'), function("b!", "f", "{}")]}
    results = [{"role": "tool", "tool_call_id": each, "content": "42"} for each in ("a", "b!")]
    found = translate({"messages": [USER, called, *results], "tools": TOOLS, "tool_choice": "none"})
    assert {tool["toolSpec"]["name"] for tool in found["toolConfig"]["tools"]} == {"f", "g", "h"}
    uses = [block["toolUse"]["toolUseId"] for block in found["messages"][1]["content"]]
    assert [block["toolResult"]["toolUseId"] for block in found["messages"][2]["content"]] == uses


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (CLAUDE, {"top_k": 5}, {"top_k": 5}),
        (NOVA, {"top_k": 5}, {"inferenceConfig": {"topK": 5}}),
        (OPEN, {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        (CLAUDE, {"reasoning_effort": "low"}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (CLAUDE, {"reasoning_effort": "none"}, None),
    ],
)
def test_what_each_vendor_has_its_own_word_for(model: str, fields: Fields, expected: Fields | None) -> None:
    assert translate(fields, model).get("additionalModelRequestFields") == expected


def test_images_documents_and_marks() -> None:
    url = {"url": f"data:image/png;base64,{chats.PIXEL}"}
    file = {"file_data": f"data:application/pdf;base64,{chats.PDF}", "filename": "my file?.pdf"}
    content = [
        {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": url},
        {"type": "file", "file": file},
    ]
    (turn,) = translate({"messages": [{"role": "user", "content": content}]})["messages"]
    text, mark, image, document = turn["content"]
    assert (text, mark) == ({"text": "Look"}, {"cachePoint": {"type": "default"}})
    assert image["image"] == {"format": "png", "source": {"bytes": chats.PIXEL}}
    assert document["document"]["name"].startswith("my-file-")


def test_a_schema() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    form = translate({"response_format": wanted})["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert (form["name"], json.loads(form["schema"])) == ("x", {"type": "object"})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a"}}]}
                ]
            },
            "messages.content.image_url.url",
        ),
    ],
)
def test_what_is_refused(fields: Fields, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        translate(fields)
    assert caught.value.param == param


async def test_what_is_sent_is_what_was_signed() -> None:
    options = {**KEYS, "session_token": "session-token"}
    _, error, up = await ask("bedrock", call(), [whole(BEDROCK.whole)], model=CLAUDE, **options)
    assert error is None
    head, _, body = up.requests[0].partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    signed = headers["authorization"]
    assert "/eu-west-1/bedrock/aws4_request" in signed
    assert headers["x-amz-security-token"] == "session-token"
    request = AWSRequest("POST", f"http://{headers['host']}{line.split()[1]}", data=body)
    for name in re.findall(r"SignedHeaders=([^,]+)", signed)[0].split(";"):
        request.headers[name] = headers[name]
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(KEYS["access_key_id"], KEYS["secret_access_key"]), "bedrock", "eu-west-1")
    string = auth.string_to_sign(request, auth.canonical_request(request))
    assert signed.endswith(f"Signature={auth.signature(string, request)}")


async def test_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    _, _, up = await ask("bedrock", call(), [whole(BEDROCK.whole)], model=CLAUDE, region="us-east-1")
    assert b"Credential=AKIDENV/" in up.requests[0]


async def test_a_profile_that_is_not_there_is_a_502() -> None:
    _, error, up = await ask("bedrock", call(), [whole(BEDROCK.whole)], region="us-east-1", profile="no-such-profile")
    assert isinstance(error, UpstreamError)
    assert not up.requests


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "give the 'region'"),
        ({**KEYS, "api_key": "k"}, "give either"),
        ({"region": "eu-west-1", "access_key_id": "a"}, "go together"),
    ],
)
def test_who_asks_must_be_clear(options: Fields, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        made("bedrock", "http://localhost:1", **options)


def test_the_address_follows_from_the_region() -> None:
    key = Secret("k")
    assert (
        BedrockSettings(region="eu-west-1", api_key=key).base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    )
    assert BedrockSettings(region="cn-north-1", api_key=key).base_url.endswith(".amazonaws.com.cn")


async def test_errors_go_by_their_header() -> None:
    said = b'{"message": "Input is too long for requested model."}'
    _, error, _ = await ask("bedrock", call(), [whole(said, 400)], model=CLAUDE, **KEYS)
    assert isinstance(error, ContextLengthError)
    header = "x-amzn-errortype: ServiceQuotaExceededException:http://x/"
    _, error, _ = await ask("bedrock", call(), [whole(b"{}", 400, header)], model=CLAUDE, **KEYS)
    assert isinstance(error, RateLimitError)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_a_damaged_stream_is_an_error_or_unfinished(noise: bytes, at: int) -> None:
    data = b"".join(BEDROCK.events)
    damaged = data[:at] + noise + data[at:]
    stream = EventStream()
    try:
        found = stream.feed(damaged) + stream.end()
    except UpstreamError:
        return
    assert not noise
    assert len(found) == len(BEDROCK.events)


texts = st.text(max_size=10)
blocks = st.one_of(
    st.builds(lambda text: {"text": text}, texts),
    st.builds(
        lambda text: {"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}},
        texts,
    ),
    st.builds(
        lambda arguments: {"toolUse": {"toolUseId": "t1", "name": "f", "input": arguments}},
        st.sampled_from([{}, {"a": [1, None]}]),
    ),
)


def events_of(block: Fields, index: int) -> list[bytes]:
    at = {"contentBlockIndex": index}
    start: list[Fields] = []
    if use := block.get("toolUse"):
        start = [{"start": {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}, **at}]
        deltas: list[Fields] = [{"toolUse": {"input": json.dumps(use["input"]) if use["input"] else ""}}]
    elif reasoning := block.get("reasoningContent"):
        thought = reasoning["reasoningText"]
        deltas = [{"reasoningContent": {name: thought[name]}} for name in ("text", "signature")]
    else:
        deltas = [block]
    return [
        *(aws_event("contentBlockStart", each) for each in start),
        *(aws_event("contentBlockDelta", {"delta": delta, **at}) for delta in deltas),
        aws_event("contentBlockStop", at),
    ]


@given(st.lists(blocks, max_size=4), st.sampled_from(["end_turn", "max_tokens", "tool_use", "guardrail_intervened"]))
def test_whole_and_streamed_are_the_same_answer(content: list[Fields], reason: str) -> None:
    usage = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
    reasons = BedrockDialect(BedrockSettings(region="eu-west-1", api_key=Secret("k"))).reasons
    gatherer = Gatherer("id", "m", reasons)
    reply = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason, "usage": usage}
    BedrockReader().whole(json.dumps(reply).encode(), gatherer)
    chunks, reader, framing = Chunks("id", "m", reasons, include_usage=True), BedrockReader(), EventStream()
    events = [event for index, block in enumerate(content) for event in events_of(block, index)]
    events += [aws_event("messageStop", {"stopReason": reason}), aws_event("metadata", {"usage": usage})]
    for payload in framing.feed(b"".join(events)):
        reader.event(payload, chunks)
    event = chunks.take()
    assert event is not None
    streamed, found = normal(gathered(event.data)), normal(completion(gatherer.body()))
    for answer in (streamed, found):
        for each in answer["choices"][0]["message"].get("tool_calls", ()):
            each["function"]["arguments"] = json.loads(each["function"]["arguments"])
    assert streamed == found


def test_what_is_malformed_is_no_answer() -> None:
    gatherer = Gatherer("id", "m", BedrockDialect(BedrockSettings(region="eu-west-1", api_key=Secret("k"))).reasons)
    reply = {"output": {"message": {"content": []}}, "stopReason": "malformed_tool_use"}
    with pytest.raises(VendorError):
        BedrockReader().whole(json.dumps(reply).encode(), gatherer)
