"""What is passed on, against upstreams that behave and those that do not."""

import json
import time
from contextlib import aclosing

import pytest

from forebay.core.access import Access
from forebay.core.errors import ForebayError, NotFoundError, RateLimitError, UpstreamError
from forebay.core.form import Form, Part
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Trace, Usage, Whole
from forebay.providers.openai import OpenAIProvider, OpenAISettings
from forebay.providers.passing import outgoing
from forebay.settings import Secret
from tests.support.faulty import CHUNKED, LAST_CHUNK, UNTIL_CLOSED, Script, chunk, upstream, whole

FORM = Form((Part("file", b"x", "a.mp3", "audio/mpeg"), Part("model", b"m")))


def call(operation: Operation, *, form: Form | None = None, access: Access | None = None) -> Call:
    body = b"" if form or access else json.dumps({"model": "m", "input": "Hi"}).encode()
    return Call(
        "r", Request(operation, "m", body, form=form, access=access), Principal("a"), Trace(time.perf_counter())
    )


async def ask(asked: Call, script: Script) -> tuple[bytes, str]:
    """The body and its type of an upstream that follows ``script``."""
    async with upstream(script) as up:
        provider = OpenAIProvider("up", OpenAISettings(base_url=up.url, api_key=Secret("sk-secret")))
        try:
            reply = await provider.answer(asked, Deployment("up/real", "up", "real"))
            if isinstance(reply, Whole):
                return reply.body, reply.content_type
            async with aclosing(reply.events) as events:
                return b"".join([each.data async for each in events]), reply.content_type
        finally:
            await provider.close()


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


DELTA, DONE = event({"type": "x.delta"}), event({"type": "x.done", "usage": {"input_tokens": 3, "output_tokens": 4}})


@pytest.mark.parametrize(
    "script",
    [
        [CHUNKED + chunk(DELTA + DONE) + LAST_CHUNK],
        [CHUNKED, chunk(DELTA[:9]), 0.01, chunk(DELTA[9:] + DONE[:3]), 0.01, chunk(DONE[3:]), LAST_CHUNK],
        [CHUNKED + chunk(DELTA + DONE[:-1]) + LAST_CHUNK],
        [UNTIL_CLOSED + DELTA + DONE],
    ],
)
async def test_events_come_as_they_came_and_tell_the_usage(script: Script) -> None:
    asked = call(Operation.SPEECH)
    body, kind = await ask(asked, script)
    assert (body.rstrip(b"\n"), kind) == ((DELTA + DONE).rstrip(b"\n"), "")
    assert asked.trace.usage == Usage(3, 4)


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        ([CHUNKED + chunk(event({"error": {"message": "no sk-secret"}})) + LAST_CHUNK], UpstreamError, r"no \*\*\*"),
        (
            [CHUNKED + chunk(DELTA), 0.01, chunk(event({"error": {"message": "slow", "code": "429"}})), LAST_CHUNK],
            RateLimitError,
            "slow",
        ),
        ([CHUNKED + LAST_CHUNK], UpstreamError, "before the first event"),
        ([CHUNKED + chunk(DELTA)], UpstreamError, "up"),
        ([whole(b"")], UpstreamError, "no JSON"),
        ([whole(b'{"error": "broken"}')], UpstreamError, "broken"),
        ([whole(b"x", kind="text/html")], UpstreamError, "no answer"),
        ([whole(b"", 204)], ForebayError, "204"),
        ([whole(b"", 302, "location: http://elsewhere/")], UpstreamError, "302"),
    ],
)
async def test_what_is_no_answer_is_told(script: Script, error: type[ForebayError], said: str) -> None:
    with pytest.raises(error, match=said):
        await ask(call(Operation.SPEECH), script)


@pytest.mark.parametrize("operation", [Operation.RERANK, Operation.MODERATION, Operation.IMAGE, Operation.EMBEDDING])
async def test_what_is_nested_too_deeply_is_no_answer(operation: Operation) -> None:
    with pytest.raises(UpstreamError):
        await ask(call(operation), [whole(b'{"data": ' + b"[" * 200_000)])


@pytest.mark.parametrize(
    ("body", "kind"), [(b"", "text/plain"), (b"1\n00:00 --> 00:01\nHi", "application/x-subrip"), (b"Hi", "text/vtt")]
)
async def test_a_transcript_of_any_type(body: bytes, kind: str) -> None:
    assert await ask(call(Operation.TRANSCRIPTION, form=FORM), [whole(body, kind=kind)]) == (body, kind)


async def test_usage_in_seconds_is_no_usage() -> None:
    asked = call(Operation.TRANSCRIPTION, form=FORM)
    await ask(asked, [whole(b'{"text": "", "usage": {"type": "duration", "seconds": 3}}')])
    assert asked.trace.usage is None
    await ask(asked, [whole(b'{"text": "", "usage": "much"}')])
    assert asked.trace.usage is None


async def test_a_file_may_say_whatever_an_error_says() -> None:
    content = b'{"error": {"message": "a line of a batch"}}'
    asked = call(Operation.FILES, access=Access("GET", "/file-1/content"))
    assert await ask(asked, [whole(content)]) == (content, "application/json")


@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
async def test_what_is_known_of_a_file_is_json(kind: str) -> None:
    with pytest.raises(UpstreamError):
        await ask(call(Operation.FILES, access=Access("GET", "/file-1")), [whole(b"x", kind=kind)])


async def test_a_missing_file_is_not_our_address() -> None:
    with pytest.raises(NotFoundError):
        await ask(call(Operation.FILES, access=Access("GET", "/file-1")), [whole(b"{}", 404)])
    with pytest.raises(UpstreamError, match="base_url"):
        await ask(call(Operation.SPEECH), [whole(b"{}", 404)])


def test_a_model_stands_in_the_path_where_the_vendor_has_it_there() -> None:
    template = "/deployments/{model}/{operation}"
    spoken = outgoing(call(Operation.SPEECH).request, "../a b", template)
    assert spoken.path == b"/deployments/..%2Fa%20b/audio/speech"
    access = Access("DELETE", "/file-1")
    assert outgoing(call(Operation.FILES, access=access).request, "", template).path == b"/files/file-1"


def test_every_form_has_a_boundary_of_its_own() -> None:
    request = call(Operation.TRANSCRIPTION, form=FORM).request
    one, other = (outgoing(request, "real", "/{operation}") for _ in range(2))
    assert one.headers != other.headers
    assert b"m\r\n" not in one.body.replace(b"real\r\n", b"")
