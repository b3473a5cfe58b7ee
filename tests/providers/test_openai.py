"""The provider against upstreams that behave, and against every way in which they do not."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import (
    ContextLengthError,
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
    RateLimitError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.stream import payloads
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Stream, TimeOuts, Trace, Usage, Whole
from forebay.providers.openai import OpenAIProvider, OpenAISettings
from forebay.settings import Secret
from tests.support.faulty import CHUNKED, LAST_CHUNK, PAUSE, UNTIL_CLOSED, Script, Upstream, chunk, upstream, whole
from tests.support.schemas import check

QUICK = TimeOuts(connect=5, first_token=0.8, between_tokens=0.8, total=10)
ANSWER = json.dumps(
    {
        "id": "x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}},
        "extra": {"kept": True},
    }
).encode()


def event(delta: dict[str, object] | None = None, finish: str | None = None, **more: object) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"id": "x", "choices": choices, **more}).encode() + b"\n\n"


ROLE = event({"role": "assistant", "content": ""})
HEL, LO = event({"content": "Hel"}), event({"content": "lö 🌍"})
STOP = event({}, "stop")
USAGE = event(None, usage={"prompt_tokens": 5, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"
STREAM = ROLE + HEL + LO + STOP + USAGE + DONE


def call(*, stream: bool = False, include_usage: bool = False, **fields: object) -> Call:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": stream, "top_k": 7, **fields}
    request = Request(Operation.CHAT, "m", json.dumps(body).encode(), stream, include_usage)
    return Call("req_1", request, Principal("a"), Trace(time.perf_counter()))


@asynccontextmanager
async def provider(url: str, **options: object) -> AsyncIterator[OpenAIProvider]:
    settings = msgspec.convert({"base_url": url, "exact": True, **options}, OpenAISettings)
    settings = msgspec.structs.replace(settings, api_key=Secret("sk-secret"))
    made = OpenAIProvider("up", settings)
    try:
        yield made
    finally:
        await made.close()


def deployment(timeouts: TimeOuts = QUICK) -> Deployment:
    return Deployment("up/real", "up", "real", timeouts)


async def ask(asked: Call, *scripts: Script, **options: object) -> tuple[bytes, Upstream]:
    """The whole reply of an upstream that follows ``scripts``, as a client would get it."""
    async with upstream(*scripts) as up, provider(up.url, **options) as made:
        reply = await made.answer(asked, deployment())
        if isinstance(reply, Whole):
            return reply.body, up
        async with aclosing(reply.events) as events:
            return b"".join([each.data async for each in events]), up


async def test_a_whole_reply_comes_as_the_bytes_it_was() -> None:
    asked = call()
    body, up = await ask(asked, [whole(ANSWER)])
    assert body == ANSWER
    assert asked.trace.usage == Usage(5, 2, 3)
    assert asked.trace.provider_started < asked.trace.provider_answered
    head, _, sent = up.requests[0].partition(b"\r\n\r\n")
    assert b"authorization: Bearer sk-secret" in head
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert json.loads(sent) == {**json.loads(asked.request.body), "model": "real"}
    assert list(json.loads(sent)) == list(json.loads(asked.request.body))


async def test_what_is_ours_alone_does_not_pass_between_us_and_a_vendor() -> None:
    marked = b"HTTP/1.1 200 OK\r\nx-watermark: forged\r\n" + whole(ANSWER).partition(b"\r\n")[2]
    async with upstream([marked], [marked]) as up, provider(up.url) as made:
        reply = await made.answer(call(watermark=False), deployment())
        assert "x-watermark" not in dict(reply.headers)
        assert b"watermark" not in up.requests[0].partition(b"\r\n\r\n")[2]
    async with upstream([marked]) as up:
        settings = OpenAISettings(base_url=up.url)
        ours = OpenAIProvider("ours", settings, msgspec.structs.replace(settings.row(), ours=True))
        reply = await ours.answer(call(watermark=False), deployment())
        assert dict(reply.headers)["x-watermark"] == "forged"
        assert b'"watermark":false' in up.requests[0]
        await ours.close()


async def test_a_stream_comes_without_the_usage_that_nobody_asked_for() -> None:
    asked = call(stream=True)
    body, up = await ask(asked, [CHUNKED + chunk(STREAM) + LAST_CHUNK])
    assert body == ROLE + HEL + LO + STOP + DONE
    assert asked.trace.usage == Usage(5, 2)
    assert b'"stream_options":{"include_usage":true}' in up.requests[0]


async def test_a_stream_comes_with_the_usage_that_was_asked_for() -> None:
    asked = call(stream=True, include_usage=True, stream_options={"include_usage": True})
    body, _ = await ask(asked, [CHUNKED + chunk(STREAM) + LAST_CHUNK])
    assert body == STREAM


async def test_an_upstream_that_does_not_know_the_option_is_not_sent_it() -> None:
    asked = call(stream=True)
    _, up = await ask(asked, [CHUNKED + chunk(STREAM) + LAST_CHUNK], usage_in_stream=False)
    assert b"stream_options" not in up.requests[0]


async def test_usage_is_taken_from_a_chunk_that_has_content_too() -> None:
    last = event({}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 9})
    asked = call(stream=True)
    body, _ = await ask(asked, [CHUNKED + chunk(HEL + last + DONE) + LAST_CHUNK])
    assert body == HEL + last + DONE
    assert asked.trace.usage == Usage(1, 9)


async def test_only_content_counts_as_a_token() -> None:
    script = [CHUNKED, *(chunk(each) for each in (ROLE, HEL, STOP, DONE)), LAST_CHUNK]
    async with upstream(script) as up, provider(up.url) as made:
        reply = await made.answer(call(stream=True), deployment())
        assert isinstance(reply, Stream)
        first = await anext(aiter(reply.events))
        await reply.events.aclose()
    assert first.data.startswith(ROLE)
    assert first.content == (HEL in first.data)


@settings(max_examples=60)
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=8), crlf=st.booleans())
def test_any_split_of_a_stream_gives_the_same_events(cuts: list[int], crlf: bool) -> None:  # noqa: FBT001  # hypothesis
    data = STREAM.replace(b"\n", b"\r\n") if crlf else STREAM
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [chunk(data[a:b]) for a, b in itertools.pairwise(edges) if a < b]
    body, _ = asyncio.run(ask(call(stream=True), [CHUNKED, *pieces, LAST_CHUNK]))
    assert body == ROLE + HEL + LO + STOP + DONE


async def test_an_upstream_that_leaves_out_done_is_completed() -> None:
    body, _ = await ask(call(stream=True), [UNTIL_CLOSED + HEL + STOP])
    assert body == HEL + STOP + DONE


async def test_comments_are_no_first_event() -> None:
    body, _ = await ask(call(stream=True), [CHUNKED, chunk(b": processing\n\n"), chunk(STREAM), LAST_CHUNK])
    assert body == ROLE + HEL + LO + STOP + DONE


EARLY: list[tuple[str, Script, type[ForebayError]]] = [
    ("closed without a reply", [b""], UpstreamError),
    ("not HTTP", [b"SSH-2.0-OpenSSH\r\n\r\n"], UpstreamError),
    ("an empty stream", [CHUNKED + LAST_CHUNK], UpstreamError),
    ("only [DONE]", [UNTIL_CLOSED], UpstreamError),
    ("an error as first event", [CHUNKED + chunk(b'data: {"error":{"message":"no","code":429}}\n\n')], RateLimitError),
    ("HTML with 200", [whole(b"<html>", kind="text/html")], UpstreamError),
    ("JSON with 200, not streamed", [whole(ANSWER)], UpstreamError),
    ("an error in JSON with 200", [whole(b'{"error":{"message":"busy","code":503}}')], UnavailableError),
    ("a malformed line", [CHUNKED + chunk(b"data: {oops\n\n")], UpstreamError),
    ("never a first token", [CHUNKED, PAUSE], UpstreamTimeoutError),
    ("never a head", [PAUSE], UpstreamTimeoutError),
    ("cut in its first event", [UNTIL_CLOSED + HEL[:20]], UpstreamError),
]


@pytest.mark.parametrize(("script", "kind"), [each[1:] for each in EARLY], ids=[each[0] for each in EARLY])
async def test_a_stream_that_fails_early_becomes_a_status(script: Script, kind: type[ForebayError]) -> None:
    with pytest.raises(kind):
        await ask(call(stream=True), script)


LATE: list[tuple[str, Script, type[ForebayError]]] = [
    ("cut between events", [CHUNKED, chunk(HEL)], UpstreamError),
    ("cut in an event", [CHUNKED, chunk(HEL), chunk(LO[:15])], UpstreamError),
    ("ended without a finish_reason", [CHUNKED, chunk(HEL), LAST_CHUNK], UpstreamError),
    ("closed without a finish_reason", [UNTIL_CLOSED + HEL], UpstreamError),
    ("stalled", [CHUNKED, chunk(HEL), PAUSE], UpstreamTimeoutError),
    ("an error as event", [CHUNKED, chunk(HEL), 0.02, chunk(b'data: {"error":{"message":"x"}}\n\n')], UpstreamError),
    ("a malformed event", [CHUNKED, chunk(HEL), 0.02, chunk(b"data: {oops\n\n")], UpstreamError),
    ("a chunk that is none", [CHUNKED, chunk(HEL), b"zz\r\n"], UpstreamError),
]


@pytest.mark.parametrize(("script", "kind"), [each[1:] for each in LATE], ids=[each[0] for each in LATE])
async def test_a_stream_that_breaks_never_looks_whole(script: Script, kind: type[ForebayError]) -> None:
    received: list[bytes] = []

    async def read_all() -> None:
        async with upstream(script) as up, provider(up.url) as made:
            reply = await made.answer(call(stream=True), deployment())
            assert isinstance(reply, Stream)
            async with aclosing(reply.events) as events:
                async for each in events:
                    received.append(each.data)  # noqa: PERF401  # what came before a break counts

    with pytest.raises(kind):
        await read_all()
    assert b"".join(received) in {b"", HEL}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"choices": []}', b"<html>", b'{"error": "x"}'])
async def test_a_whole_reply_that_is_none_is_a_502(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        await ask(call(), [whole(body)])


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"message": "bad", "param": "top_k", "code": "oops"}, InvalidRequestError, "oops"),
        (422, {"message": "bad"}, InvalidRequestError, None),
        (400, {"message": "long", "code": "context_length_exceeded"}, ContextLengthError, "context_length_exceeded"),
        (401, {"message": "Incorrect API key: sk-secret"}, UpstreamError, "upstream_error"),
        (403, {"message": "no"}, UpstreamError, "upstream_error"),
        (402, {"message": "pay"}, RateLimitError, "insufficient_quota"),
        (404, {"message": "The model `x` does not exist"}, ModelNotFoundError, "model_not_found"),
        (404, {"message": "no route"}, UpstreamError, "upstream_error"),
        (424, {"message": "generation"}, UpstreamError, "upstream_error"),
        (429, {"message": "slow", "code": "insufficient_quota"}, RateLimitError, "insufficient_quota"),
        (500, {"message": "boom"}, UpstreamError, "upstream_error"),
        (503, {"message": "later"}, UnavailableError, "unavailable"),
        (529, {"message": "overloaded"}, UnavailableError, "unavailable"),
        (504, {"message": "late"}, UpstreamTimeoutError, "upstream_timeout"),
        (302, {"message": "elsewhere"}, UpstreamError, "upstream_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_errors_keep_their_meaning(
    status: int,
    body: dict[str, str],
    kind: type[ForebayError],
    code: str | None,
    stream: bool,  # noqa: FBT001
) -> None:
    reply = whole(json.dumps({"error": body}).encode(), status, "retry-after: 7", "x-ratelimit-limit-requests: 3")
    with pytest.raises(kind) as caught:
        await ask(call(stream=stream), [reply])
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert "sk-secret" not in caught.value.message
    if kind is RateLimitError:
        assert caught.value.headers == {"retry-after": "7", "x-ratelimit-limit-requests": "3"}


@pytest.mark.parametrize("body", [b"", b"<html>", b'"text"', b"[1]", b"{", b"x" * 200_000, b'{"error": null}'])
async def test_an_error_body_may_be_anything(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        await ask(call(), [whole(body, 500)])


async def test_an_upstream_that_is_not_there_is_a_502() -> None:
    async with upstream([b""]) as up:
        url = up.url
    async with provider(url) as made:
        with pytest.raises(UpstreamError, match="'up' failed"):
            await made.answer(call(), deployment())


async def test_a_client_that_leaves_closes_the_upstream_s_connection() -> None:
    async with upstream([CHUNKED, chunk(ROLE + HEL), PAUSE]) as up, provider(up.url) as made:
        reply = await made.answer(call(stream=True), deployment(TimeOuts()))
        assert isinstance(reply, Stream)
        assert up.open == 1
        await reply.events.aclose()
        async with asyncio.timeout(5):
            while up.open:  # noqa: ASYNC110  # the other side notices when it notices
                await asyncio.sleep(0.01)


async def test_a_cancelled_caller_closes_the_upstream_s_connection() -> None:
    async with upstream([PAUSE]) as up, provider(up.url) as made:
        task = asyncio.create_task(made.answer(call(), deployment(TimeOuts())))
        async with asyncio.timeout(5):
            while not up.requests:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while up.open:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_connection_serves_one_request_after_the_other() -> None:
    script: Script = [CHUNKED, chunk(STREAM), LAST_CHUNK]
    async with upstream(script) as up, provider(up.url) as made:
        for _ in range(5):
            reply = await made.answer(call(stream=True), deployment())
            assert isinstance(reply, Stream)
            async with aclosing(reply.events) as events:
                assert [each async for each in events]
            assert up.open == 1


def test_settings_name_a_vendor_or_a_base_url() -> None:
    assert OpenAISettings().row().base_url == "https://api.openai.com/v1"
    for options in ({"vendor": "azure"}, {"vendor": "opnai"}):
        with pytest.raises(msgspec.ValidationError, match="vendor"):
            msgspec.convert(options, OpenAISettings)
    assert OpenAISettings(vendor="groq").row().base_url.endswith("/openai/v1")
    assert OpenAISettings(vendor="groq", base_url="http://x/v1").row().base_url == "http://x/v1"


# What is asked


async def test_a_name_that_stands_twice_reaches_the_upstream_once() -> None:
    """Else a client could name one model for Forebay's eyes and another for the upstream's."""
    request = Request(Operation.CHAT, "real", b'{"model":"dear","mod\\u0065l":"real","messages":[1]}')
    asked = Call("r", request, Principal("a"), Trace(time.perf_counter()))
    _, up = await ask(asked, [whole(ANSWER)])
    assert up.requests[0].endswith(b'\r\n\r\n{"model":"real","messages":[1]}')


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b'{"a":1'])
async def test_a_body_that_is_no_object_is_the_client_s_fault(body: bytes) -> None:
    asked = Call("r", Request(Operation.CHAT, "m", body), Principal("a"), Trace(time.perf_counter()))
    with pytest.raises(InvalidRequestError):
        await ask(asked, [whole(ANSWER)])


@pytest.mark.parametrize(
    ("given_options", "sent_options"),
    [
        (None, {"include_usage": True}),
        ({}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
        ({"include_usage": False, "x": 1}, {"include_usage": True, "x": 1}),
    ],
)
async def test_stream_options_are_kept(given_options: object, sent_options: object) -> None:
    _, up = await ask(call(stream=True, stream_options=given_options), [CHUNKED + chunk(STREAM) + LAST_CHUNK])
    assert json.loads(up.requests[0].partition(b"\r\n\r\n")[2])["stream_options"] == sent_options


async def test_an_upstream_that_refuses_the_option_is_not_sent_the_client_s_either() -> None:
    asked = call(stream=True, include_usage=True, stream_options={"include_usage": True})
    _, up = await ask(asked, [CHUNKED + chunk(STREAM) + LAST_CHUNK], vendor="mistral")
    assert b"stream_options" not in up.requests[0]


@pytest.mark.parametrize(
    ("vendor", "header"),
    [(None, b"authorization: Bearer sk-secret"), ("azure", b"api-key: sk-secret")],
)
async def test_where_the_key_goes(vendor: str | None, header: bytes) -> None:
    _, up = await ask(call(), [whole(ANSWER)], vendor=vendor, headers={"X-Team": "blue"})
    head = up.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert header in head
    assert b"x-team: blue" in head


async def test_embeddings_and_completions() -> None:
    for operation, answer in (
        (Operation.EMBEDDING, b'{"data":[{"index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":4,"total_tokens":4}}'),
        (Operation.COMPLETION, b'{"choices":[{"index":0,"text":"Hi","finish_reason":"stop"}]}'),
        (Operation.COUNT, b'{"object":"response.input_tokens","input_tokens":4}'),
    ):
        asked = Call("r", Request(operation, "m", b'{"model":"m","input":"x"}'), Principal("a"), Trace(0.0))
        body, up = await ask(asked, [whole(answer)])
        assert body == answer
        assert up.requests[0].startswith(f"POST /v1/{operation.value} HTTP/1.1".encode())
        assert asked.trace.usage == (Usage(4) if operation is Operation.EMBEDDING else None)


async def test_headers_that_help_are_kept() -> None:
    extra = ("X-Request-Id: r7", "openai-processing-ms: 12", "X-RateLimit-Remaining-Requests: 9", "set-cookie: a=b")
    async with upstream([whole(ANSWER, 200, *extra)]) as up, provider(up.url) as made:
        reply = await made.answer(call(), deployment())
    assert reply.headers == (
        ("x-upstream-request-id", "r7"),
        ("openai-processing-ms", "12"),
        ("x-ratelimit-remaining-requests", "9"),
    )


# What comes back, not streamed

FAULTS: list[tuple[str, Script, type[ForebayError]]] = [
    ("cut", [whole(ANSWER, 200, "connection: close")[:-5]], UpstreamError),
    ("cut in the head", [whole(ANSWER)[:30]], UpstreamError),
    ("stalled", [whole(ANSWER)[:-5], PAUSE], UpstreamTimeoutError),
    ("never a head", [PAUSE], UpstreamTimeoutError),
    ("200 with HTML", [whole(b"<html>", kind="text/html")], UpstreamError),
    ("200 with an error", [whole(b'{"error":{"message":"x","code":"rate_limit_exceeded"}}')], RateLimitError),
    ("compressed", [whole(b"\x1f\x8b", 200, "content-encoding: gzip")], UpstreamError),
    ("429", [whole(b'{"error":{"message":"x"}}', 429, "retry-after: 1")], RateLimitError),
    ("529", [whole(b"", 529)], UnavailableError),
]


@pytest.mark.parametrize(("script", "kind"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS])
async def test_a_whole_reply_that_fails(script: Script, kind: type[ForebayError]) -> None:
    with pytest.raises(kind):
        await ask(call(), script)


async def test_a_flapping_upstream() -> None:
    scripts: list[Script] = [[whole(ANSWER)], [b""], [whole(b"", 503)], [whole(ANSWER)[:40]], [whole(ANSWER)]]
    async with upstream(*scripts) as up, provider(up.url) as made:
        results: list[type] = []
        for _ in range(4):
            try:
                results.append(type(await made.answer(call(), deployment())))
            except ForebayError as error:
                results.append(type(error))
    # The second request met a connection that was closed, and was repeated: it is the 503 that it got.
    assert results == [Whole, UnavailableError, UpstreamError, Whole]


async def test_a_usage_of_another_shape_does_no_harm() -> None:
    answer = b'{"choices":[{}],"usage":{"prompt_tokens":"many"}}'
    asked = call()
    assert (await ask(asked, [whole(answer)]))[0] == answer
    assert asked.trace.usage is None


async def test_cached_tokens_as_deepseek_calls_them() -> None:
    asked = call()
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}
    await ask(asked, [whole(json.dumps({"choices": [{}], "usage": usage}).encode())])
    assert asked.trace.usage == Usage(5, 2, 4)


# What comes back, streamed


async def streamed(asked: Call, script: Script, **options: object) -> tuple[bytes, ForebayError | None]:
    """What a client gets of a stream, and what broke it."""
    received = b""
    async with upstream(script) as up, provider(up.url, **options) as made:
        try:
            reply = await made.answer(asked, deployment())
            assert isinstance(reply, Stream)
            async with aclosing(reply.events) as events:
                async for each in events:
                    received += each.data
        except ForebayError as error:
            return received, error
    return received, None


PREAMBLE = b'data: {"id":"","choices":[],"prompt_filter_results":[]}\n\n'
OTHER = b'data: {"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":null}]}\n\n'
OTHER_STOP = b'data: {"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}\n\n'
PING = b": ping\n\n"
STRANGE = b'data: {"type":"ping"}\n\n'


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([CHUNKED + chunk(PREAMBLE + HEL + STOP + DONE) + LAST_CHUNK], PREAMBLE + HEL + STOP + DONE),
        ([CHUNKED + chunk(PING + HEL + PING + STOP + DONE) + LAST_CHUNK], HEL + PING + STOP + DONE),
        ([CHUNKED + chunk(HEL + STRANGE + STOP + DONE) + LAST_CHUNK], HEL + STRANGE + STOP + DONE),
        ([CHUNKED + chunk(HEL + b"data:\n\n" + STOP + DONE) + LAST_CHUNK], HEL + STOP + DONE),
        ([CHUNKED + chunk(HEL + STOP + DONE + HEL + b"data: {") + LAST_CHUNK], HEL + STOP + DONE),
        (
            [CHUNKED + chunk(b"event: x\nid: 1\n" + HEL + STOP + DONE) + LAST_CHUNK],
            b"event: x\nid: 1\n" + HEL + STOP + DONE,
        ),
        ([UNTIL_CLOSED + HEL + STOP + DONE[:-1]], HEL + STOP + DONE),
        ([CHUNKED + chunk(b"\xef\xbb\xbf" + HEL + STOP + DONE) + LAST_CHUNK], HEL + STOP + DONE),
        ([CHUNKED + chunk(b"retry: 5\n\n" + HEL + b"id\n\n" + STOP + DONE)], HEL + b"id\n\n" + STOP + DONE),
        ([UNTIL_CLOSED + HEL + STOP[:-2]], HEL + STOP + DONE),
        ([CHUNKED, chunk(HEL + STOP)], HEL + STOP + DONE),
        ([CHUNKED, chunk(HEL), 0.02, chunk(STOP), 0.02, chunk(USAGE), PAUSE], HEL + STOP + DONE),
    ],
)
async def test_streams_that_are_whole(script: Script, expected: bytes) -> None:
    assert await streamed(call(stream=True), script) == (expected, None)


@pytest.mark.parametrize(
    ("script", "before", "kind"),
    [
        ([CHUNKED + chunk(b"data: {}\n\n" + HEL + DONE) + LAST_CHUNK], b"", UpstreamError),
        ([CHUNKED + chunk(b"data: []\n\n") + LAST_CHUNK], b"", UpstreamError),
        ([CHUNKED + chunk(DONE) + LAST_CHUNK], b"", UpstreamError),
        ([CHUNKED + chunk(PING + PING) + LAST_CHUNK], b"", UpstreamError),
        ([CHUNKED, *[each for _ in range(40) for each in (chunk(PING), 0.02)], PAUSE], b"", UpstreamTimeoutError),
        ([CHUNKED + chunk(HEL + b'data: {"choices":[}\n\n' + STOP + DONE) + LAST_CHUNK], HEL, UpstreamError),
        ([CHUNKED + chunk(HEL) + chunk(b'data: {"choices":[}\n\n') + LAST_CHUNK], HEL, UpstreamError),
        ([CHUNKED + chunk(HEL + b'{"error":{"message":"x","code":503}}\n\n') + LAST_CHUNK], HEL, UnavailableError),
        ([CHUNKED + chunk(HEL + b'{"error":{"message":"x"}}') + LAST_CHUNK], HEL, UpstreamError),
        ([CHUNKED + chunk(HEL + b"ata: {}\n\n" + STOP + DONE) + LAST_CHUNK], HEL, UpstreamError),
        ([CHUNKED + chunk(HEL + b"\0" + DONE) + LAST_CHUNK], HEL, UpstreamError),
        ([CHUNKED + chunk(HEL + b"event: error\ndata: 7\n\n") + LAST_CHUNK], HEL, UpstreamError),
        ([CHUNKED + chunk(HEL + b'data: {"choices":[],"error":"x"}\n\n' + DONE) + LAST_CHUNK], HEL, UpstreamError),
        ([CHUNKED + chunk(HEL + OTHER + STOP) + LAST_CHUNK], HEL + OTHER + STOP, UpstreamError),
        ([CHUNKED + chunk(HEL + OTHER + STOP), PAUSE], HEL + OTHER + STOP, UpstreamTimeoutError),
    ],
)
async def test_streams_that_are_not(script: Script, before: bytes, kind: type[ForebayError]) -> None:
    received, error = await streamed(call(stream=True), script)
    assert type(error) is kind
    assert received == before


async def test_one_of_two_answers_is_not_the_whole() -> None:
    script = [CHUNKED + chunk(HEL + STOP) + LAST_CHUNK]
    assert await streamed(call(stream=True), script) == (HEL + STOP + DONE, None)
    received, error = await streamed(call(stream=True, n=2), script)
    assert received == HEL + STOP
    assert isinstance(error, UpstreamError)
    script = [CHUNKED + chunk(HEL + OTHER + STOP + OTHER_STOP) + LAST_CHUNK]
    assert await streamed(call(stream=True, n=2), script) == (HEL + OTHER + STOP + OTHER_STOP + DONE, None)


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ({"delta": {"content": "x"}}, True),
        ({"delta": {"content": [{"type": "text", "text": "x"}]}}, True),
        ({"delta": {"reasoning_content": "x"}}, True),
        ({"delta": {"reasoning": "x", "content": ""}}, True),
        ({"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}}, True),
        ({"delta": {"refusal": "no"}}, True),
        ({"text": "x"}, True),
        ({"delta": {"role": "assistant", "content": ""}}, False),
        ({"delta": {"content": None, "tool_calls": []}}, False),
        ({"delta": {}, "finish_reason": "stop"}, False),
        ({"text": ""}, False),
    ],
)
async def test_what_counts_as_content(said: dict[str, object], content: bool) -> None:  # noqa: FBT001
    data = b"data: " + json.dumps({"choices": [{"index": 0, **said}]}).encode() + b"\n\n"
    script: Script = [CHUNKED, chunk(data), 0.01, chunk(b"data: [DONE]\n\n"), LAST_CHUNK]
    async with upstream(script) as up, provider(up.url) as made:
        reply = await made.answer(call(stream=True), deployment())
        assert isinstance(reply, Stream)
        async with aclosing(reply.events) as events:
            first = await anext(aiter(events))
    assert first.content == content
    assert first.data.startswith(data)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("7", True),
        ("0.5", True),
        ("Fri, 31 Dec 1999 23:59:59 GMT", True),
        ("-5", False),
        ("99999999999999999999999", False),
        ("soon", False),
    ],
)
async def test_when_to_come_again_is_passed_on_if_it_says_so(told: str, kept: bool) -> None:  # noqa: FBT001
    async with upstream([whole(b"{}", 429, f"retry-after: {told}")]) as up, provider(up.url) as made:
        with pytest.raises(RateLimitError) as caught:
            await made.answer(call(), deployment())
    assert caught.value.headers == ({"retry-after": told} if kept else {})


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from([ROLE, HEL, LO, STOP, USAGE, DONE, PING, STRANGE, PREAMBLE, OTHER, b"data: {\n\n", b"\n"])
        | st.binary(max_size=12),
        max_size=10,
    ),
    st.booleans(),
)
def test_whatever_comes_is_never_half_an_answer_that_looks_whole(pieces: list[bytes], ends: bool) -> None:  # noqa: FBT001
    script = [CHUNKED, *[chunk(each) for each in pieces if each], *([LAST_CHUNK] if ends else [])]
    received, error = asyncio.run(streamed(call(stream=True), script))
    assert (error is None) == received.endswith(DONE)
    assert received.count(DONE) <= 1


# What is told of failures


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"no sk-secret here"}}', "no *** here"),
        (b'{"error":"plain"}', "plain"),
        (b'[{"error":{"message":"in a list"}}]', "in a list"),
        (b'{"object":"error","message":"old"}', "old"),
        (b'{"detail":"fast"}', "fast"),
        (b'{"detail":[{"loc":["body"],"msg":"sk-secret"}]}', '[{"loc":["body"],"msg":"***"}]'),
        (b'{"error":{"message":"' + b"x" * 9000 + b'"}}', "x" * 2000),
        (b"<html>", "The provider 'up' answered with status 400."),
    ],
)
async def test_what_an_error_says(body: bytes, message: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await ask(call(), [whole(body, 400)])
    assert caught.value.message == message


@pytest.mark.parametrize("status", [*range(300, 309), *range(400, 432), 451, 498, *range(500, 512), 520, 522, 524, 529])
async def test_no_error_tells_our_key_or_blames_the_client_s(status: int) -> None:
    body = b'{"error":{"message":"key sk-secret","type":"sk-secret","code":"sk-secret","param":"sk-secret"}}'
    with pytest.raises(ForebayError) as caught:
        await ask(call(), [whole(body, status)])
    assert caught.value.status not in {401, 403}
    assert b"sk-secret" not in caught.value.body()


async def test_where_an_upstream_is_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with upstream([b""]) as up:
        url = up.url
    async with provider(url) as made:
        with pytest.raises(UpstreamError) as caught:
            await made.answer(call(), deployment())
    assert "127.0.0.1" not in caught.value.message
    assert "127.0.0.1" in caplog.text


def test_settings_show_no_key_and_check_the_address() -> None:
    assert "sk-secret" not in repr(OpenAISettings("http://x/v1", Secret("sk-secret")))
    for base_url in ("x/v1", "ftp://x", "http://u:p@x"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"base_url": base_url}, OpenAISettings)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"base_url": "http://x", "max_connections": 0}, OpenAISettings)


async def test_a_probe_asks_a_path_and_says_what_is_wrong() -> None:
    async with upstream([whole(b"{}")], [whole(b"{}", 503)], [b""], [PAUSE]) as up, provider(up.url) as made:
        assert await made.probe("/health", 1) is None
        assert up.requests[0].startswith(b"GET /v1/health HTTP/1.1")
        assert await made.probe("/models", 1) == "/models answered with status 503"
        assert str(await made.probe("/models", 1)).startswith("/models failed: ")
        assert "the time-out" in str(await made.probe("/models", 0.1))


async def test_what_came_in_another_dialect_is_fitted() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}
    for translated, content in ((True, "Hi"), (False, message["content"])):
        asked = call(messages=[message])
        asked = msgspec.structs.replace(asked, request=msgspec.structs.replace(asked.request, translated=translated))
        _, up = await ask(asked, [whole(ANSWER)])
        assert json.loads(up.requests[0].partition(b"\r\n\r\n")[2])["messages"][0]["content"] == content


SLOPPY = (
    b'data: {"id":"","choices":[{"delta":{"role":"assistant","content":"Hel"}}]}\n\n'
    b'data: {"id":"","choices":[{"delta":{"role":"assistant","content":"l\xc3\xb6"},"finish_reason":""}]}\n\n'
    b'data: {"id":"","choices":[{"delta":{"role":"assistant","tool_calls":[{"id":"0","index":0,'
    b'"function":{"name":"add","arguments":{}}}]},"finish_reason":"eos_token"}],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":null}}\n\n'
)


@given(cuts=st.lists(st.integers(1, len(SLOPPY) - 1), max_size=4), ends=st.sampled_from([b"", DONE]))
@settings(max_examples=15, deadline=None)
def test_a_sloppy_stream_is_mended_wherever_it_is_cut(cuts: list[int], ends: bytes) -> None:
    places = [0, *sorted(set(cuts)), len(SLOPPY)]
    pieces = b"".join(chunk(SLOPPY[start:end]) for start, end in itertools.pairwise(places))
    asked = call(stream=True, include_usage=True)
    script: Script = [CHUNKED + pieces + (chunk(ends) if ends else b"") + LAST_CHUNK]
    body, _ = asyncio.run(ask(asked, script, exact=False))
    *chunks, done = payloads(body)
    assert done == b"[DONE]"
    found = [json.loads(each) for each in chunks]
    for each in found:
        check("CreateChatCompletionStreamResponse", each)
    *_, last, usage = found
    assert last["choices"][0]["finish_reason"] == "tool_calls"
    assert usage["usage"] == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    assert asked.trace.usage == Usage(5, 2)


async def test_a_sloppy_upstream_that_breaks_off_leaves_no_finish_reason() -> None:
    with pytest.raises(UpstreamError, match="before the answer was whole"):
        await ask(call(stream=True), [CHUNKED + chunk(SLOPPY[: SLOPPY.rfind(b"data:")]) + LAST_CHUNK], exact=False)


async def test_a_sloppy_whole_reply_is_mended_and_an_unknown_reason_counted() -> None:
    reply = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "bored"}], "x": 1}).encode()
    async with upstream([whole(reply)]) as up, provider(up.url, exact=False) as made:
        answered = await made.answer(call(), deployment())
        assert isinstance(answered, Whole)
        check("CreateChatCompletionResponse", json.loads(answered.body))
        assert json.loads(answered.body)["choices"][0]["finish_reason"] == "stop"
        assert made.gauges() == {"unknown_finish_reasons_total": 1.0}


def test_only_an_upstream_that_is_known_to_be_exact_counts_as_exact() -> None:
    assert OpenAISettings().row().exact
    assert OpenAISettings(vendor="openai", base_url="https://api.openai.com/v1/").row().exact
    assert OpenAISettings(vendor="azure", base_url="https://x.openai.azure.com/openai/v1").row().exact
    assert not OpenAISettings(vendor="openai", base_url="http://llama:8080/v1").row().exact
    assert not OpenAISettings(base_url="http://llama:8080/v1").row().exact
    assert OpenAISettings(base_url="http://forebay/v1", exact=True).row().exact
    assert not OpenAISettings(exact=False).row().exact
