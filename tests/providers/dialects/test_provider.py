"""Every dialect over real sockets: what works, and every fault, streamed and not."""

import asyncio
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import (
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
    RateLimitError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.types import Call, Deployment, Operation, Request, Stream, TimeOuts
from tests.support.dialects import ask, asking, call, completion, gathered, normal
from tests.support.faulty import LAST_CHUNK, PAUSE, Script, Upstream, chunk, whole
from tests.support.recordings import RECORDINGS, SECRET, Recording

DONE = b"data: [DONE]\n\n"

pytestmark = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda each: each.name)


def chunked(recording: Recording) -> bytes:
    kind = recording.stream_type.encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\ntransfer-encoding: chunked\r\n\r\n"


def until_closed(recording: Recording) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: " + recording.stream_type.encode() + b"\r\nconnection: close\r\n\r\n"


async def ask_vendor(recording: Recording, asked: Call, script: Script) -> tuple[bytes, ForebayError | None, Upstream]:
    return await ask(recording.kind, asked, script, model=recording.model, **recording.options)


async def streamed(recording: Recording, *script: bytes | float | None) -> tuple[bytes, ForebayError | None]:
    asked = call(stream=True, include_usage=True)
    received, error, _ = await ask_vendor(recording, asked, script)
    return received, error


async def test_a_whole_reply(recording: Recording) -> None:
    asked = call()
    body, error, up = await ask_vendor(recording, asked, [whole(recording.whole)])
    assert error is None
    found = completion(body)
    assert normal(found) == normal(recording.expected)
    assert up.requests[0].startswith(f"POST {recording.target} HTTP/1.1\r\n".encode())
    assert asked.trace.usage is not None
    assert asked.trace.usage.completion_tokens == recording.expected["usage"]["completion_tokens"]
    assert asked.trace.provider_started < asked.trace.provider_answered


async def test_a_stream_says_the_same_as_the_whole(recording: Recording) -> None:
    script = [chunked(recording), *map(chunk, recording.events), LAST_CHUNK]
    received, error = await streamed(recording, *script)
    assert error is None
    assert normal(gathered(received)) == normal(recording.expected)


async def test_usage_is_recorded_but_not_told_to_who_did_not_ask(recording: Recording) -> None:
    asked = call(stream=True)
    script = [chunked(recording) + chunk(b"".join(recording.events)) + LAST_CHUNK]
    received, _, _ = await ask_vendor(recording, asked, script)
    assert b"usage" not in received
    assert asked.trace.usage is not None
    assert asked.trace.usage.prompt_tokens == recording.expected["usage"]["prompt_tokens"]


def test_any_split_of_a_stream_gives_the_same_answer(recording: Recording) -> None:
    data = b"".join(recording.events)

    @settings(max_examples=25)
    @given(cuts=st.lists(st.integers(0, len(data)), max_size=8), crlf=st.booleans())
    def check(cuts: list[int], crlf: bool) -> None:  # noqa: FBT001  # hypothesis
        sent = data.replace(b"\n", b"\r\n") if crlf and recording.stream_type == "text/event-stream" else data
        edges = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
        pieces = [chunk(sent[a:b]) for a, b in itertools.pairwise(edges) if a < b]
        received, error = asyncio.run(streamed(recording, chunked(recording), *pieces, LAST_CHUNK))
        assert error is None
        assert normal(gathered(received)) == normal(recording.expected)

    check()


async def test_pings_keep_a_stream_alive_once_it_has_begun(recording: Recording) -> None:
    pieces = [piece for event in recording.events for piece in (chunk(recording.ping), chunk(event))]
    received, error = await streamed(recording, chunked(recording), *pieces, LAST_CHUNK)
    assert error is None
    assert normal(gathered(received)) == normal(recording.expected)


async def test_a_first_token_that_never_comes_is_a_504_whatever_pings_say(recording: Recording) -> None:
    pings = [step for _ in range(40) for step in (chunk(recording.ping), 0.02)]
    received, error = await streamed(recording, chunked(recording), *pings, PAUSE)
    assert isinstance(error, UpstreamTimeoutError)
    assert received == b""


async def test_a_stream_cut_after_any_event_never_looks_whole(recording: Recording) -> None:
    ended = []
    for count in range(len(recording.events)):
        events = [chunk(each) for each in recording.events[:count]]
        received, error = await streamed(recording, chunked(recording), *events)
        assert (error is None) == received.endswith(DONE)
        assert (error is None) == (b'"finish_reason":"' in received)
        ended.append(error is None)
        if error is None:
            continue
        assert isinstance(error, UpstreamError)
        received, error = await streamed(recording, until_closed(recording) + b"".join(recording.events[:count]))
        assert isinstance(error, UpstreamError)
        assert DONE not in received
    assert sum(ended) <= 2, "only what comes after the finish reason may be missing"


async def test_a_stream_cut_within_an_event_never_looks_whole(recording: Recording) -> None:
    data = b"".join(recording.events[:-2])
    for end in range(0, len(data), 37):
        received, error = await streamed(recording, until_closed(recording) + data[:end])
        assert isinstance(error, UpstreamError)
        assert DONE not in received
        assert b'"finish_reason":"' not in received


async def test_an_error_in_the_middle_ends_the_stream(recording: Recording) -> None:
    *before, _, _ = recording.events
    received, error = await streamed(recording, chunked(recording), *map(chunk, before), chunk(recording.busy), PAUSE)
    assert type(error) is recording.busy_is
    assert b"content" in received
    assert DONE not in received


async def test_an_error_at_the_start_is_a_status(recording: Recording) -> None:
    for before in (b"", recording.ping, recording.events[0] if b"message_start" in recording.events[0] else b""):
        received, error = await streamed(recording, chunked(recording), chunk(before + recording.busy), LAST_CHUNK)
        assert type(error) is recording.busy_is
        assert received == b""


EARLY: list[tuple[str, Script, type[ForebayError]]] = [
    ("closed without a reply", [b""], UpstreamError),
    ("not HTTP", [b"SSH-2.0-OpenSSH\r\n\r\n"], UpstreamError),
    ("HTML with 200", [whole(b"<html>", kind="text/html")], UpstreamError),
    ("an empty body", [whole(b"")], UpstreamError),
    ("null", [whole(b"null")], UpstreamError),
    ("an empty object", [whole(b"{}")], UpstreamError),
    ("an empty list", [whole(b"[]")], UpstreamError),
    ("half a body", [whole(b'{"id": "x", "con', 200)], UpstreamError),
    ("never a head", [PAUSE], UpstreamTimeoutError),
    ("429", [whole(b'{"error":{"message":"slow"}}', 429, "retry-after: 7")], RateLimitError),
    ("500 with HTML", [whole(b"<html>", 500, kind="text/html")], UpstreamError),
    ("503", [whole(b"", 503)], UnavailableError),
    ("529", [whole(b"", 529)], UnavailableError),
    ("redirected", [whole(b"", 302, "location: http://x/")], UpstreamError),
    ("unauthorised", [whole(b'{"error":{"message":"bad key"}}', 401)], UpstreamError),
    ("bad", [whole(b'{"error":{"message":"bad field"}}', 400)], InvalidRequestError),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("script", "kind"), [each[1:] for each in EARLY], ids=[each[0] for each in EARLY])
async def test_an_exchange_that_fails_is_a_status(
    recording: Recording,
    script: Script,
    kind: type[ForebayError],
    stream: bool,  # noqa: FBT001
) -> None:
    received, error, _ = await ask_vendor(recording, call(stream=stream), script)
    assert type(error) is kind
    assert received == b""
    if kind is RateLimitError:
        assert error.headers["retry-after"] == "7"


async def test_a_whole_reply_cut_anywhere_is_a_502(recording: Recording) -> None:
    reply = whole(recording.whole, 200, "connection: close")
    for end in range(len(reply) - len(recording.whole), len(reply), 41):
        received, error, _ = await ask_vendor(recording, call(), [reply[:end]])
        assert type(error) is UpstreamError
        assert received == b""


@pytest.mark.parametrize(
    "events",
    [(), (b"data: {oops\n\n",), (b"data: []\n\n",), (b"data: 7\n\n",), (b"\0\0\0\0\n\n",), (b"data: [DONE]\n\n",)],
)
async def test_a_stream_of_something_else_is_a_502(recording: Recording, events: tuple[bytes, ...]) -> None:
    received, error = await streamed(recording, chunked(recording), *map(chunk, events), LAST_CHUNK)
    assert type(error) is UpstreamError
    assert received == b""


async def test_an_overloaded_upstream_is_unavailable(recording: Recording) -> None:
    status, body = recording.overloaded
    for stream in (False, True):
        _, error, _ = await ask_vendor(recording, call(stream=stream), [whole(body, status)])
        assert type(error) is UnavailableError


async def test_no_error_tells_our_key(recording: Recording) -> None:
    body = json.dumps({"error": {"message": f"key {SECRET}", "type": SECRET, "code": SECRET}}).encode()
    for status in (400, 401, 403, 404, 429, 500):
        _, error, _ = await ask_vendor(recording, call(), [whole(body, status)])
        assert error is not None
        assert SECRET.encode() not in error.body()
        assert error.status not in {401, 403}


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 250000 tokens > 200000 maximum",
        "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
        "too many tokens: total number of tokens cannot exceed 128000",
    ],
)
async def test_a_prompt_that_is_too_long(recording: Recording, message: str) -> None:
    body = json.dumps({"error": {"message": message}}).encode()
    _, error, _ = await ask_vendor(recording, call(), [whole(body, 400)])
    assert error is not None
    assert error.code == "context_length_exceeded"


async def test_a_stall_is_a_504(recording: Recording) -> None:
    *before, _, _ = recording.events
    received, error = await streamed(recording, chunked(recording), *map(chunk, before), PAUSE)
    assert isinstance(error, UpstreamTimeoutError)
    assert received
    assert DONE not in received


async def test_a_client_that_leaves_closes_the_upstream_s_connection(recording: Recording) -> None:
    script = [chunked(recording), *map(chunk, recording.events[:-2]), PAUSE]
    async with asking(recording.kind, script, **recording.options) as (provider, up):
        reply = await provider.answer(call(stream=True), Deployment("up", "up", recording.model, TimeOuts()))
        assert isinstance(reply, Stream)
        assert up.open == 1
        await reply.events.aclose()
        async with asyncio.timeout(5):
            while up.open:  # noqa: ASYNC110  # the other side notices when it notices
                await asyncio.sleep(0.01)


async def test_a_cancelled_caller_closes_the_upstream_s_connection(recording: Recording) -> None:
    async with asking(recording.kind, [PAUSE], **recording.options) as (provider, up):
        task = asyncio.create_task(provider.answer(call(), Deployment("up", "up", recording.model, TimeOuts())))
        async with asyncio.timeout(5):
            while not up.requests:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while up.open:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_connection_serves_one_request_after_the_other(recording: Recording) -> None:
    script = [chunked(recording), *map(chunk, recording.events), LAST_CHUNK]
    async with asking(recording.kind, script, **recording.options) as (provider, up):
        for _ in range(3):
            reply = await provider.answer(call(stream=True), Deployment("up", "up", recording.model, TimeOuts()))
            assert isinstance(reply, Stream)
            assert [each async for each in reply.events]
            assert up.open == 1


@pytest.mark.parametrize("model", ["a\r\nx-evil: 1", "a b", "../../x?y#z", "ü", "a/b:c@d"])
async def test_no_model_s_name_gets_out_of_its_place(recording: Recording, model: str) -> None:
    _, error, up = await ask_vendor(recording._replace(model=model), call(), [whole(recording.whole)])
    if isinstance(error, ModelNotFoundError):
        assert not up.requests
        return
    head = up.requests[0].partition(b"\r\n\r\n")[0]
    assert b"x-evil" not in head.lower().replace(b"%0d%0ax-evil", b"")
    line = head.split(b"\r\n")[0]
    assert line.count(b" ") == 2
    assert b".." not in line
    assert b"#" not in line


async def test_it_says_what_it_can_do_and_what_it_met(recording: Recording) -> None:
    async with asking(recording.kind, [whole(recording.whole)], **recording.options) as (provider, _):
        assert Operation.CHAT in provider.operations
        assert provider.failure() is None
        await provider.start()
        assert provider.gauges() == {"unknown_finish_reasons_total": 0.0}


async def test_what_is_nested_too_deeply_is_the_client_s_fault(recording: Recording) -> None:
    schema = "{" + '"items":{' * 2000 + "}" * 2001
    body = '{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":'
    asked = call()
    request = Request(Operation.CHAT, "m", (body + '{"name":"f","parameters":' + schema + "}}]}").encode())
    deep = Call(asked.id, request, asked.principal, asked.trace)
    _, error, _ = await ask_vendor(recording, deep, [whole(recording.whole)])
    assert error is None or type(error) is InvalidRequestError


async def test_a_large_image_holds_nobody_up(recording: Recording) -> None:
    """The watch of all tests would notice; what is sent is what came."""
    data = "iVBOR" + "w" * 8_000_003
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]
    asked = call(messages=[{"role": "user", "content": parts}])
    _, error, up = await ask_vendor(recording, asked, [whole(recording.whole)])
    if not recording.images:
        assert type(error) is InvalidRequestError
        return
    assert error is None
    assert data.encode() in up.requests[0]
