"""What is no chat has no way past the guards, either."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from forebay.core.access import Access
from forebay.core.errors import ContentFilterError, UnsupportedParameterError, UpstreamError
from forebay.core.form import Form, Part
from forebay.core.stream import Primed
from forebay.core.types import Call, Event, Operation, Principal, Reply, Request, Stream, Trace, Whole
from forebay.gateway.guard import Guard
from forebay.gateway.guarding.beside import Beside
from forebay.guarding import Toolbox, policies
from tests.gateway.test_guard import Notes
from tests.support.guards import guarded

BLOCK = "guards: {w: {kind: Words, words: [secret], action: block}}"
MASK = "guards: {w: {kind: Words, words: [secret]}}"


class Upstream:
    """Answers with one reply, and keeps what it was asked."""

    def __init__(self, body: bytes = b"{}", content_type: str = "") -> None:
        self.asked: list[Request] = []
        self._reply = Whole(body, content_type=content_type)

    async def __call__(self, call: Call) -> Reply:
        self.asked.append(call.request)
        return self._reply


async def ask(rules: str, request: Request, upstream: Any) -> Reply:
    stage = Guard(policies(guarded(rules), Toolbox()), Notes(), Beside())
    return await stage(Call("req_1", request, Principal("alice"), Trace(0.0)), upstream)


def asked(operation: Operation, **body: Any) -> Request:
    return Request(operation, "m", json.dumps({"model": "m", **body}).encode())


def form(*parts: Part, stream: bool = False) -> Request:
    return Request(Operation.TRANSCRIPTION, "m", b"", stream, form=Form(parts))


@pytest.mark.parametrize(
    "request_",
    [
        asked(Operation.RERANK, query="secret", documents=["a"]),
        asked(Operation.RERANK, query="a", documents=["b", {"text": "secret"}]),
        asked(Operation.MODERATION, input=[{"type": "text", "text": "secret"}]),
        asked(Operation.SPEECH, input="a", instructions="secret"),
        asked(Operation.IMAGE, prompt="secret"),
        asked(Operation.IMAGE_EDIT, prompt="secret"),
        form(Part("prompt", b"a secret")),
        form(Part("prompt", b"\xff")),
        Request(Operation.FILES, "", b"", form=Form(()), access=Access("POST")),
        Request(Operation.BATCHES, "", b"{}", access=Access("POST")),
        Request(Operation.FILES, "", b"", access=Access("GET", "/file-1/content")),
    ],
)
async def test_no_text_goes_past(request_: Request) -> None:
    upstream = Upstream()
    with pytest.raises(ContentFilterError):
        await ask(BLOCK, request_, upstream)
    assert not upstream.asked


@pytest.mark.parametrize(
    "access", [Access("GET"), Access("DELETE", "/file-1"), Access("POST", "/batch-1/cancel"), Access("GET", "/b-1")]
)
async def test_files_and_batches_can_be_looked_after(access: Access) -> None:
    upstream = Upstream()
    await ask(BLOCK, Request(Operation.FILES, "", b"", access=access), upstream)
    assert upstream.asked


async def test_fields_are_masked_and_files_go_as_they_are() -> None:
    upstream = Upstream(b'{"text": "a secret said"}')
    sound = Part("file", b"secret \xff", "a.wav", "audio/wav")
    reply = await ask(MASK, form(Part("model", b"m"), Part("prompt", b"a secret"), sound), upstream)
    assert isinstance(reply, Whole)
    assert json.loads(reply.body) == {"text": "a [WORD] said"}
    (request,) = upstream.asked
    assert request.form is not None
    assert request.form.parts[1].data.startswith(b"a [WORD-1-")
    assert request.form.parts[2] == sound


async def test_a_plain_transcript_is_judged() -> None:
    reply = await ask(MASK, form(), Upstream(b"a secret said", "text/plain; charset=utf-8"))
    assert isinstance(reply, Whole)
    assert (reply.body, reply.content_type) == (b"a [WORD] said", "text/plain; charset=utf-8")


class Pieces:
    """Answers with a body in pieces, as the provider does with what is no JSON."""

    def __init__(self, *pieces: bytes, content_type: str) -> None:
        self._pieces = pieces
        self._content_type = content_type

    async def __call__(self, _call: Call) -> Reply:
        async def pieces() -> AsyncGenerator[Event, None]:
            for piece in self._pieces:
                yield Event(piece)

        return Stream(await Primed.of(pieces()), (), self._content_type)


async def test_a_transcript_that_comes_in_pieces_is_judged_as_a_whole() -> None:
    reply = await ask(MASK, form(), Pieces(b"a sec", b"ret said", content_type="text/vtt"))
    assert isinstance(reply, Whole)
    assert (reply.body, reply.content_type) == (b"a [WORD] said", "text/vtt")


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "application/x-subrip"])
async def test_a_transcript_is_stopped_whatever_it_is_called(kind: str) -> None:
    with pytest.raises(ContentFilterError):
        await ask(BLOCK, form(), Pieces(b"a sec", b"ret said", content_type=kind))


async def test_a_transcript_that_is_no_text_is_none() -> None:
    with pytest.raises(UpstreamError):
        await ask(BLOCK, form(), Pieces(b"\xff\xfb", content_type="audio/mpeg"))


async def test_subtitles_hide_nothing_between_their_times() -> None:
    body = b"1\n00:00:00,000 --> 00:00:01,000\na top\n\n2\n00:00:01,000 --> 00:00:02,000\nsecret plan\n"
    rules = BLOCK.replace("[secret]", '["top secret"]')
    assert b"top" in bytes(await _body(rules.replace("top secret", "no word"), body))
    with pytest.raises(ContentFilterError):
        await _body(rules, body)
    with pytest.raises(ContentFilterError, match="subtitles"):
        await _body(rules.replace("block", "mask"), body)


async def _body(rules: str, body: bytes) -> bytes:
    reply = await ask(rules, form(), Pieces(body, content_type="application/x-subrip"))
    assert isinstance(reply, Whole)
    return reply.body


async def test_the_name_of_a_file_is_judged() -> None:
    with pytest.raises(ContentFilterError):
        await ask(BLOCK, form(Part("file", b"\xff", "secret.wav", "audio/wav")), Upstream())


async def test_a_transcript_does_not_come_in_pieces() -> None:
    with pytest.raises(UnsupportedParameterError):
        await ask(MASK, form(stream=True), Upstream())


async def test_sorted_documents_have_their_values_again() -> None:
    class Echo(Upstream):
        async def __call__(self, call: Call) -> Reply:
            (document,) = json.loads(call.request.body)["documents"]
            assert "secret" not in document
            return Whole(json.dumps({"results": [{"index": 0, "document": {"text": document}}]}).encode())

    rules = MASK.replace("words:", "on: [input], words:")
    reply = await ask(rules, asked(Operation.RERANK, query="a", documents=["a secret"]), Echo())
    assert isinstance(reply, Whole)
    assert json.loads(reply.body)["results"][0]["document"]["text"] == "a secret"


async def test_pictures_pass() -> None:
    async def drawing(_call: Call) -> Reply:
        async def pieces() -> AsyncGenerator[Event, None]:
            yield Event(b"data: {}\n\n")

        return Stream(await Primed.of(pieces()))

    request = Request(Operation.IMAGE, "m", b'{"prompt": "a cat"}', stream=True)
    assert isinstance(await ask(MASK, request, drawing), Stream)


async def test_sounds_pass() -> None:
    upstream = Upstream(b"\xff\xfb", "audio/mpeg")
    reply = await ask(MASK, asked(Operation.SPEECH, input="a"), upstream)
    assert isinstance(reply, Whole)
    assert reply.body == b"\xff\xfb"


async def test_files_are_of_any_model() -> None:
    rules = BLOCK + "\npolicies: {models: {m: [w]}}\nmodels: {m: {provider: p}}\nproviders: {p: {kind: openai}}"
    with pytest.raises(ContentFilterError):
        await ask(rules, Request(Operation.BATCHES, "", b"{}", access=Access("POST")), Upstream())
