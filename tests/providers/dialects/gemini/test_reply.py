"""Whatever Google's documents allow as a reply becomes an answer that OpenAI's document allows."""

import base64
import json
import struct
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import EmptyArrayError, InvalidRequestError, UpstreamError
from forebay.core.types import Call, Operation, Principal, Request, Trace, Usage
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.dialect import VendorError
from forebay.providers.dialects.gemini.dialect import GeminiDialect, GeminiSettings
from forebay.providers.dialects.gemini.reply import GeminiReader
from forebay.providers.dialects.whole import Gatherer
from tests.support.dialects import ask, call, completion, gathered, normal
from tests.support.faulty import whole
from tests.support.recordings import GEMINI, VERTEX
from tests.support.schemas import check

Fields = dict[str, Any]

texts = st.text(max_size=10)
signatures = st.sampled_from(["", "c2ln"])
args = st.dictionaries(texts, st.none() | texts | st.integers(-9, 9), max_size=3)
calls = st.fixed_dictionaries({"name": st.just("f")}, optional={"args": args, "id": st.just("fc_1")})
parts = st.one_of(
    st.fixed_dictionaries({"text": texts}, optional={"thought": st.booleans(), "thoughtSignature": signatures}),
    st.fixed_dictionaries({"functionCall": calls}, optional={"thoughtSignature": signatures}),
    st.just({"executableCode": {"language": "PYTHON", "code": "1"}}),
)
reasons = st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "OTHER", "NO_IMAGE", "LANGUAGE"])
tokens = st.integers(0, 1000)
usages = st.fixed_dictionaries(
    {"promptTokenCount": tokens, "totalTokenCount": tokens},
    optional={"candidatesTokenCount": tokens, "thoughtsTokenCount": tokens, "cachedContentTokenCount": tokens},
)


@st.composite
def replies(draw: st.DrawFn) -> Fields:
    candidates = []
    for index in range(draw(st.integers(1, 3))):
        content = draw(
            st.just({}) | st.fixed_dictionaries({"parts": st.lists(parts, max_size=4), "role": st.just("model")})
        )
        candidates.append({"index": index, "content": content, "finishReason": draw(reasons)})
    return {"candidates": candidates, "usageMetadata": draw(usages), "modelVersion": "g", "responseId": "r"}


def events_of(reply: Fields) -> list[Fields]:
    """The stream in which Google would have sent ``reply``, a part in each event."""
    rest = {name: value for name, value in reply.items() if name != "candidates"}
    events = []
    for candidate in reply["candidates"]:
        index, parts_ = candidate["index"], candidate["content"].get("parts", ())
        contents = [{"parts": [part], "role": "model"} for part in parts_]
        events += [{**rest, "candidates": [{"index": index, "content": content}]} for content in contents]
        ended = {"index": index, "content": {}, "finishReason": candidate["finishReason"]}
        events.append({**rest, "candidates": [ended]})
    return events


def read_whole(reply: Fields) -> Fields:
    answer = Gatherer("ours", "m", GeminiDialect(GeminiSettings()).reasons)
    GeminiReader().whole(json.dumps(reply).encode(), answer)
    assert answer.complete
    return completion(answer.body())


def read_stream(events: list[Fields]) -> Fields:
    chunks = Chunks("ours", "m", GeminiDialect(GeminiSettings()).reasons, include_usage=True)
    reader = GeminiReader()
    for event in events:
        reader.event(json.dumps(event).encode(), chunks)
    assert chunks.complete
    chunks.end()
    taken = chunks.take()
    assert taken is not None
    return gathered(taken.data)


@settings(max_examples=60)
@given(replies())
def test_whole_and_streamed_are_the_same_answer(reply: Fields) -> None:
    check("GenerateContentResponse", reply, "gemini")
    assert normal(read_whole(reply)) == normal(read_stream(events_of(reply)))


@settings(max_examples=60)
@given(replies())
def test_an_answer_can_be_sent_back(reply: Fields) -> None:
    """Calls come back as Google sent them, with their signatures."""
    found = read_whole(reply)["choices"][0]["message"]
    messages: Any = [{"role": "user", "content": "Hi"}, found, {"role": "user", "content": "Go on"}]
    sent = json.loads(GeminiDialect(GeminiSettings()).chat(call(messages=messages), "gemini-2.5-pro").body)
    check("GenerateContentRequest", sent, "gemini")
    before = [part for part in reply["candidates"][0]["content"].get("parts", ()) if "functionCall" in part]
    after = [part for content in sent["contents"] for part in content["parts"] if "functionCall" in part]
    assert [(part["functionCall"]["args"], part.get("thoughtSignature")) for part in after] == [
        (part["functionCall"].get("args", {}), part.get("thoughtSignature") or None) for part in before
    ]


def test_the_recordings_are_the_vendor_s() -> None:
    check("GenerateContentResponse", json.loads(GEMINI.whole), "gemini")
    check("GoogleCloudAiplatformV1GenerateContentResponse", json.loads(VERTEX.whole), "vertex")
    for event in GEMINI.events:
        check("GenerateContentResponse", json.loads(event.partition(b"data: ")[2]), "gemini")


def plain(reason: str = "STOP", **candidate: Any) -> Fields:
    return {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": reason, **candidate}]}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("RECITATION", "content_filter"), ("BRAND_NEW", "stop")],
)
def test_why_an_answer_ended(reason: str, expected: str) -> None:
    assert read_whole(plain(reason))["choices"][0]["finish_reason"] == expected


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"])
def test_an_answer_that_gemini_cannot_read_is_none(reason: str) -> None:
    for read in (read_whole, lambda reply: read_stream([reply])):
        with pytest.raises(UpstreamError, match=reason):
            read({"candidates": [{"content": {}, "finishReason": reason}]})


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    reply = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    for found in (read_whole(reply), read_stream([reply])):
        (choice,) = found["choices"]
        assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", "")
        assert found["usage"]["prompt_tokens"] == 4


def test_log_probabilities() -> None:
    token = {"token": "Hi", "logProbability": -0.5}
    chances = {
        "chosenCandidates": [token],
        "topCandidates": [{"candidates": [token, {"token": "Ho", "logProbability": -1.5}]}],
    }
    reply = plain(logprobsResult=chances)
    for found in (read_whole(reply), read_stream([reply])):
        if found["choices"][0]["logprobs"] is None:  # a stream's are in its chunks
            continue
        (content,) = found["choices"][0]["logprobs"]["content"]
        assert (content["token"], content["logprob"], content["bytes"]) == ("Hi", -0.5, [72, 105])
        assert [each["token"] for each in content["top_logprobs"]] == ["Hi", "Ho"]


def test_an_error_with_status_200() -> None:
    body = b'{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}'
    with pytest.raises(VendorError) as caught:
        GeminiReader().event(body, Gatherer("", "", GeminiDialect(GeminiSettings()).reasons))
    assert caught.value.status == 429


def failure(status: int, **error: Any) -> bytes:
    return whole(json.dumps({"error": {"code": status, **error}}).encode(), status)


async def test_a_bad_key_of_ours_is_not_the_client_s_fault() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    _, error, _ = await ask("gemini", call(), [failure(400, message="API key not valid.", details=details)], model="g")
    assert error is not None
    assert error.status == 502


async def test_when_to_come_again_stands_in_the_body() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}]
    _, error, _ = await ask("gemini", call(), [failure(429, message="Quota", details=details)], model="g")
    assert error is not None
    assert (error.status, error.headers["retry-after"]) == (429, "35")


def embedding(**fields: Any) -> Call:
    request = Request(Operation.EMBEDDING, "m", json.dumps({"model": "m", **fields}).encode())
    return Call("r", request, Principal("a"), Trace(0.0))


async def test_embeddings() -> None:
    reply = {"embeddings": [{"values": [0.5, -1.0]}, {"values": [0.25, 2.0]}], "usageMetadata": {"promptTokenCount": 7}}
    check("BatchEmbedContentsResponse", reply, "gemini")
    asked = embedding(input=["a", "b"], dimensions=2)
    body, _, up = await ask("gemini", asked, [whole(json.dumps(reply).encode())], model="gemini-embedding-001")
    sent = json.loads(up.requests[0].partition(b"\r\n\r\n")[2])
    check("BatchEmbedContentsRequest", sent, "gemini")
    assert up.requests[0].startswith(b"POST /models/gemini-embedding-001:batchEmbedContents ")
    found = json.loads(body)
    check("CreateEmbeddingResponse", found)
    assert [each["embedding"] for each in found["data"]] == [[0.5, -1.0], [0.25, 2.0]]
    assert asked.trace.usage == Usage(7)
    assert openai.types.CreateEmbeddingResponse.model_validate(found).usage.total_tokens == 7


async def test_embeddings_in_base64() -> None:
    reply = json.dumps({"embeddings": [{"values": [0.5, -1.0]}]}).encode()
    body, _, _ = await ask("gemini", embedding(input="a", encoding_format="base64"), [whole(reply)], model="g")
    assert struct.unpack("<2f", base64.b64decode(json.loads(body)["data"][0]["embedding"])) == (0.5, -1.0)


@pytest.mark.parametrize(
    ("text", "kind"), [([], EmptyArrayError), ([1, 2], InvalidRequestError), (None, InvalidRequestError)]
)
async def test_what_cannot_be_embedded(text: Any, kind: type[Exception]) -> None:
    _, error, _ = await ask("gemini", embedding(input=text), [whole(b"{}")], model="g")
    assert type(error) is kind
