"""OpenAI's own client against the whole application, in front of an upstream on a socket: what is passed on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import httpx
import msgspec
import openai
import pytest

from forebay.app import application
from forebay.settings import Settings, load, section
from tests.support.openai_media import (
    AUDIO,
    BATCH,
    CATEGORIES,
    CONTENT,
    FILE,
    IMAGES,
    PNG,
    SPEECH_EVENTS,
    fields_of,
    form_of,
    openai_media,
)
from tests.support.schemas import check
from tests.support.serving import serving
from tests.support.upstream import Answer, Asked, Peer, Upstream, chunk, chunked, reply, upstream

SOUND = ("s.mp3", AUDIO, "audio/mpeg")
IMAGE = ("i.png", PNG, "image/png")


def settings(*urls: str, more: str = "") -> Settings:
    """Providers ``up0``, ``up1``, … at ``urls``, with a model over all of them and a wildcard for the first."""
    providers = "".join(
        f"  up{n}: {{kind: openai, base_url: '{url}', api_key: sk-upstream}}\n" for n, url in enumerate(urls)
    )
    deployments = "".join(f"      - {{provider: up{n}, model: real}}\n" for n in range(len(urls)))
    models = f"  m:\n    retries: {{base: 1ms}}\n    deployments:\n{deployments}  all/*: {{provider: up0}}\n"
    alias = "  omni-moderation-latest: {provider: up0}\n"
    text = f"providers:\n{providers}models:\n{models}{alias}log: {{requests: false}}\n{more}"
    return load(text, source="test", environ={})


class Running:
    """A gateway with its upstreams, and clients of it."""

    def __init__(self, url: str, ups: list[Upstream]) -> None:
        self.url = url
        self.ups = ups

    @property
    def up(self) -> Upstream:
        return self.ups[0]

    @property
    def last(self) -> Asked:
        return self.up.asked[-1]


Gateway = Callable[..., contextlib.AbstractAsyncContextManager[Running]]


@contextlib.asynccontextmanager
async def gateway(*answers: Answer | bytes, more: str = "") -> AsyncIterator[Running]:
    async with contextlib.AsyncExitStack() as stack:
        ups = [await stack.enter_async_context(upstream(answer)) for answer in answers or (openai_media,)]
        running = await stack.enter_async_context(serving(application(settings(*[up.url for up in ups], more=more))))
        yield Running(running.url, ups)


@contextlib.asynccontextmanager
async def client(running: Running, key: str = "none") -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0) as made:
        yield made


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with gateway() as found:
        yield found


@pytest.fixture
async def sdk(running: Running) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client(running) as made:
        yield made


async def test_a_text_is_judged(sdk: openai.AsyncOpenAI, running: Running) -> None:
    judged = await sdk.moderations.create(model="m", input="Hi")
    assert not judged.results[0].flagged
    assert len(CATEGORIES) == len(judged.results[0].category_scores.to_dict())
    assert running.last.body == b'{"model":"real","input":"Hi"}'
    assert running.last.headers["authorization"] == "Bearer sk-upstream"


async def test_a_judge_is_found_where_none_is_named(sdk: openai.AsyncOpenAI, running: Running) -> None:
    await sdk.moderations.create(input=["a", "b"])
    assert b'"model":"omni-moderation-latest"' in running.last.body


async def test_a_text_is_read_out_piece_by_piece(sdk: openai.AsyncOpenAI, running: Running) -> None:
    async with sdk.audio.speech.with_streaming_response.create(model="m", voice="alloy", input="Hi") as spoken:
        assert spoken.headers["content-type"] == "audio/mpeg"
        assert spoken.headers["x-content-type-options"] == "nosniff"
        assert spoken.headers["x-forebay-deployment"] == "up0/real"
        assert b"".join([piece async for piece in spoken.iter_bytes()]) == AUDIO
    assert running.last.headers["accept"] == "*/*"


async def test_speech_as_events_comes_as_it_came(sdk: openai.AsyncOpenAI) -> None:
    async with sdk.audio.speech.with_streaming_response.create(
        model="m", voice="alloy", input="Hi", stream_format="sse"
    ) as spoken:
        assert spoken.headers["content-type"].startswith("text/event-stream")
        lines = [line async for line in spoken.iter_lines() if line.startswith("event")]
    assert lines == [f"event: {each['type']}" for each in SPEECH_EVENTS]
    for each in SPEECH_EVENTS:
        check("CreateSpeechResponseStreamEvent", each)


async def test_speech_is_transcribed(sdk: openai.AsyncOpenAI, running: Running) -> None:
    heard = await sdk.audio.transcriptions.create(
        model="m", file=SOUND, temperature=0.2, timestamp_granularities=["word", "segment"], include=["logprobs"]
    )
    assert heard.text == "Hello there."
    fields = fields_of(running.last)
    assert fields["model"] == "real"
    assert fields["timestamp_granularities"] == ["word", "segment"]
    assert ("file", "s.mp3", AUDIO) in form_of(running.last)


async def test_a_transcript_as_plain_text(sdk: openai.AsyncOpenAI) -> None:
    assert await sdk.audio.transcriptions.create(model="m", file=SOUND, response_format="text") == "Hello there.\n"


async def test_a_transcript_is_streamed(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.audio.transcriptions.create(model="m", file=SOUND, stream=True)
    events = [event async for event in stream]
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    for event in events:
        check("CreateTranscriptionResponseStreamEvent", event.to_dict())


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
async def test_speech_is_translated(sdk: openai.AsyncOpenAI) -> None:
    assert (await sdk.audio.translations.create(model="m", file=SOUND)).text == "Hello there."


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
async def test_images_are_drawn_changed_and_varied(sdk: openai.AsyncOpenAI, running: Running) -> None:
    drawn = await sdk.images.generate(model="m", prompt="A cat", n=1)
    edited = await sdk.images.edit(model="m", prompt="A hat", image=[IMAGE, IMAGE], mask=IMAGE)
    assert [name for name, filename, data in form_of(running.last) if data == PNG] == ["image[]", "image[]", "mask"]
    varied = await sdk.images.create_variation(model="m", image=IMAGE)
    for each in (drawn, edited, varied):
        check("ImagesResponse", each.to_dict())
        assert each.to_dict() == IMAGES


async def test_an_image_is_streamed(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.images.generate(model="m", prompt="A cat", stream=True, partial_images=1)
    events = [event async for event in stream]
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]


async def test_images_that_are_named_are_changed(running: Running) -> None:
    async with httpx.AsyncClient() as http:
        body = {"model": "m", "prompt": "A hat", "images": [{"file_id": "file-abc"}]}
        running.up.answer = reply(b'{"created": 1, "data": []}', b"content-type: application/json")
        assert (await http.post(f"{running.url}/v1/images/edits", json=body)).status_code == 200
    assert b'"model":"real"' in running.last.body


async def test_documents_are_sorted(running: Running) -> None:
    async with httpx.AsyncClient() as http:
        body = {"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1}
        sorted_ = await http.post(f"{running.url}/v1/rerank", json=body)
        empty = await http.post(f"{running.url}/v1/rerank", json={**body, "documents": []})
    assert sorted_.json()["results"] == [{"index": 1, "relevance_score": 0.9}]
    assert empty.status_code == 400
    assert empty.json()["error"]["code"] == "empty_array"


async def test_files_are_kept(sdk: openai.AsyncOpenAI, running: Running) -> None:
    kept = await sdk.files.create(
        file=("batch.jsonl", CONTENT), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert kept.to_dict() == FILE
    assert fields_of(running.last)["expires_after"] == {"anchor": "created_at", "seconds": 3600}
    listed = await sdk.files.list(limit=10, order="desc", purpose="batch", after="file-0")
    assert running.last.target == "/v1/files?after=file-0&limit=10&order=desc&purpose=batch"
    assert [each.id for each in listed.data] == ["file-abc"]
    assert (await sdk.files.retrieve("file-abc")).filename == "batch.jsonl"
    content = await sdk.files.content("file-abc")
    assert content.content == CONTENT
    assert content.response.headers["content-security-policy"] == "sandbox"
    assert (await sdk.files.delete("file-abc")).deleted
    assert [(each.method, each.headers.get("content-type")) for each in running.up.asked[1:]] == [
        *[("GET", None)] * 3,
        ("DELETE", None),
    ]


async def test_batches_are_run(sdk: openai.AsyncOpenAI, running: Running) -> None:
    made = await sdk.batches.create(
        input_file_id="file-abc", endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
    )
    assert made.to_dict() == BATCH
    assert b'"metadata":{"a":"b"}' in running.last.body
    assert b"model" not in running.last.body
    assert [each.id async for each in sdk.batches.list(limit=2)] == ["batch_1"]
    assert (await sdk.batches.retrieve("batch_1")).status == "completed"
    assert (await sdk.batches.cancel("batch_1")).status == "cancelling"
    check("Batch", made.to_dict())


async def post(running: Running, path: str, **request: object) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.request("POST", running.url + path, **request)  # type: ignore[arg-type]  # httpx's own


def form(*parts: str, boundary: str = "b") -> dict[str, object]:
    """A form of ``parts``, each with its header, as it is sent."""
    pieces = [f"--{boundary}\r\nContent-Disposition: form-data; {part}\r\n" for part in parts]
    body = "".join([*pieces, f"--{boundary}--\r\n"])
    return {"content": body.encode(), "headers": {"content-type": f"multipart/form-data; boundary={boundary}"}}


MODEL = 'name="model"\r\n\r\nm'
FILE_PART = 'name="file"; filename="a.mp3"\r\n\r\nx'


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        (form(FILE_PART), 400, "Missing required parameter: 'model'"),
        (form(MODEL, FILE_PART, MODEL), 400, "'model' twice"),
        (form(MODEL, 'name="model[]"\r\n\r\nother'), 400, "'model' twice"),
        (form('name="model"; filename="m"\r\n\r\nm'), 400, "not plain text"),
        (form('name="model"\r\n\r\nm\x00'), 400, "not plain text"),
        (form('name="model"\r\n\r\nnobody'), 404, "does not exist"),
        (form('name="mo\\del"\r\n\r\nm', MODEL), 400, "malformed name"),
        (form(MODEL, 'name="file"; filename="a\\"\r\n\r\nm'), 400, "file's name"),
        (form(MODEL, 'name="file"\r\nContent-Transfer-Encoding: base64\r\n\r\nm'), 400, "encoded"),
        (form(MODEL, 'name="file"\r\nContent-Type: a\tb\r\n\r\nm'), 400, "content type"),
        (form(MODEL, *[f'name="f{n}"\r\n\r\nm' for n in range(300)]), 400, "valid form"),
        ({"content": b"--b\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400, "valid form"),
        ({"content": b"", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400, "valid form"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 415, "boundary"),
        ({"content": b"x", "headers": {"content-type": 'multipart/form-data; boundary="a@b"'}}, 415, "boundary"),
        ({"json": {"model": "m"}}, 415, "Send the file in a form"),
        ({"content": b"x"}, 415, "JSON"),
    ],
)
async def test_what_is_no_form_for_it_is_refused(
    running: Running, request_: dict[str, object], status: int, said: str
) -> None:
    answer = await post(running, "/v1/audio/transcriptions", **request_)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (status, True), answer.text
    assert not running.up.asked


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/audio/transcriptions", {"data": {"model": "m"}, "files": {"file": ("a", b"x")}}),
        ("/v1/files", {"data": {"purpose": "batch"}, "files": {"file": ("a", b"x")}}),
        ("/v1/batches/batch_1/cancel", {}),
    ],
)
async def test_a_page_of_elsewhere_cannot_send_forms_without_a_key(
    running: Running, path: str, sent: dict[str, object]
) -> None:
    for origin, status in (("http://evil.test", 403), ("null", 403), (running.url, 200)):
        answer = await post(running, path, headers={"origin": origin}, **sent)
        assert answer.status_code == status, answer.text
    keyed = {"origin": "http://elsewhere.test", "authorization": "Bearer x"}
    assert (await post(running, path, headers=keyed, **sent)).status_code == 200


async def test_a_form_is_only_taken_where_one_is_due(running: Running) -> None:
    assert (await post(running, "/v1/chat/completions", **form(MODEL))).status_code == 415


async def test_a_large_form_is_read_and_sent_anew() -> None:
    audio = b"\r\n--x" * 500_000
    async with gateway() as running, client(running) as sdk:
        await sdk.audio.transcriptions.create(model="m", file=("s.mp3", audio))
        assert ("file", "s.mp3", audio) in await asyncio.to_thread(form_of, running.last)


async def test_a_body_that_is_too_large_is_refused(running: Running) -> None:
    answer = await post(running, "/v1/audio/transcriptions", files={"file": ("a", b"x" * (20 * 2**20))})
    assert answer.status_code == 413
    assert "server.body_limit" in answer.json()["error"]["message"]


async def test_a_form_is_sent_again_to_the_next_deployment() -> None:
    busy = reply(b'{"error": {"message": "busy"}}', b"content-type: application/json", status=b"503 Busy")
    async with gateway(busy, openai_media) as running, client(running) as sdk:
        raw = await sdk.audio.transcriptions.with_raw_response.create(model="m", file=SOUND)
        assert raw.headers["x-forebay-deployment"] == "up1/real"
        assert raw.headers["x-forebay-attempts"] == "2"
        one, other = (form_of(up.asked[-1]) for up in running.ups)
        assert one == other
        boundaries = {up.asked[-1].headers["content-type"] for up in running.ups}
        assert len(boundaries) == 2


JSON = b"content-type: application/json"


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (reply(b'{"error": {"message": "bad voice", "param": "voice"}}', JSON, status=b"400 Bad"), 400, "bad voice"),
        (reply(b'{"error": {"message": "key sk-upstream"}}', JSON, status=b"401 No"), 502, "credentials"),
        (reply(b'{"error": {"message": "slow down"}}', JSON, status=b"429 Slow"), 429, "slow down"),
        (reply(b'{"error": {"message": "no sk-upstream"}}', JSON), 502, "no ***"),
        (reply(b"<html>", b"content-type: text/html"), 502, "no answer"),
        (reply(b"", b"content-type: audio/mpeg"), 502, "empty answer"),
        (reply(b"{}", JSON), 502, "empty answer"),
        (reply(b"[]", JSON), 502, "no JSON"),
    ],
)
async def test_an_upstream_s_failure_is_told_in_openai_s_form(answer: bytes, status: int, said: str) -> None:
    async with gateway(answer, more="") as running:
        told = await post(running, "/v1/audio/speech", json={"model": "m", "input": "Hi", "voice": "alloy"})
        assert (told.status_code, said in told.json()["error"]["message"]) == (status, True), told.text
        assert "sk-upstream" not in told.text


async def test_a_sound_that_breaks_off_has_no_end() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"

    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(head + chunk(b"half"))
        peer.writer.close()

    async with gateway(answer) as running:
        with pytest.raises(httpx.RemoteProtocolError):
            await post(running, "/v1/audio/speech", json={"model": "m", "input": "Hi", "voice": "alloy"})


async def test_events_that_break_off_end_with_an_error() -> None:
    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(chunked(b'data: {"type": "speech.audio.delta", "audio": "aGk="}\n\n', b"data: {", end=False))
        peer.writer.close()

    async with gateway(answer) as running:
        body = {"model": "m", "input": "Hi", "voice": "alloy", "stream_format": "sse"}
        events = (await post(running, "/v1/audio/speech", json=body)).text.split("\n\n")
        assert "speech.audio.delta" in events[0]
        assert "upstream_error" in events[1]


async def test_a_client_that_leaves_ends_the_upstream_s_work() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"

    async def answer(_asked: Asked, peer: Peer) -> None:
        await peer.send(head + chunk(b"first"))
        await peer.until_left()

    async with gateway(answer) as running:
        async with (
            client(running) as sdk,
            sdk.audio.speech.with_streaming_response.create(model="m", voice="a", input="Hi") as spoken,
        ):
            assert await anext(spoken.iter_bytes()) == b"first"
        await asyncio.wait_for(running.up.left.wait(), 10)


async def test_an_operation_that_a_vendor_lacks_is_asked_of_another_one() -> None:
    async with upstream(openai_media) as one, upstream(openai_media) as other:
        text = settings(one.url, other.url)
        providers = {**text.providers, "up0": section("openai", {"base_url": one.url, "vendor": "cerebras"})}
        async with serving(application(msgspec.structs.replace(text, providers=providers))) as server:
            running = Running(server.url, [one, other])
            body = {"model": "m", "query": "q", "documents": ["a"]}
            assert (await post(running, "/v1/rerank", json=body)).headers["x-forebay-deployment"] == "up1/real"
            alone = await post(running, "/v1/rerank", json={**body, "model": "all/x"})
            assert alone.status_code == 400
            assert "does not answer /v1/rerank" in alone.json()["error"]["message"]


KEYS = """
auth:
  keys:
    - {key: sk-everything, name: everything}
    - {key: sk-all, name: all, models: [all/*]}
    - {key: sk-one, name: one, models: [m]}
    - {key: sk-other, name: other, tenant: other}
"""


@pytest.mark.parametrize(
    ("key", "mine", "theirs"),
    [("sk-everything", 200, 403), ("sk-all", 200, 403), ("sk-one", 403, 403), ("sk-other", 403, 200)],
)
async def test_files_belong_to_a_tenant_and_there_to_keys_for_every_model(key: str, mine: int, theirs: int) -> None:
    headers = {"authorization": f"Bearer {key}"}
    more = KEYS + "files: {up1: other}\n"
    async with (
        gateway(openai_media, openai_media, more=more) as running,
        httpx.AsyncClient(base_url=running.url, headers=headers) as http,
    ):
        for provider, status in (("up0", mine), ("up1", theirs)):
            got = await http.get("/v1/files", headers={"x-forebay-provider": provider})
            assert got.status_code == status
        only = await http.get("/v1/batches")
        assert only.status_code == min(mine, theirs)


async def test_the_provider_of_files_is_named_where_there_are_several() -> None:
    async with gateway(openai_media, openai_media) as running, httpx.AsyncClient() as http:
        which = await http.get(f"{running.url}/v1/files")
        assert which.status_code == 400
        assert "'up0', 'up1' in the header 'x-forebay-provider'" in which.json()["error"]["message"]
        unknown = await http.get(f"{running.url}/v1/files", headers={"x-forebay-provider": "http://evil/"})
        assert unknown.status_code == 400
        second = await http.get(f"{running.url}/v1/files", headers={"x-forebay-provider": "up1"})
        assert second.headers["x-forebay-deployment"] == "up1"
        assert [len(up.asked) for up in running.ups] == [0, 1]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/files/..%2fmodels", 404),
        ("GET", "/v1/files/%2e%2e", 404),
        ("GET", "/v1/files/a%0d%0ab", 404),
        ("GET", "/v1/files/a%3Fb", 404),
        ("GET", "/v1/files/" + "a" * 129, 404),
        ("GET", "/v1/files/file-abc/content/more", 404),
        ("GET", "/v1/files/file-abc/cancel", 404),
        ("DELETE", "/v1/files/file-abc/content", 405),
        ("GET", "/v1/batches/batch_1/cancel", 405),
        ("POST", "/v1/batches/batch_1", 405),
        ("DELETE", "/v1/batches/batch_1", 405),
        ("GET", "/v1/files?limit=1%0d", 400),
        ("GET", "/v1/files?model=x", 400),
        ("GET", "/v1/files?after=..", 400),
    ],
)
async def test_no_path_leads_elsewhere(running: Running, method: str, path: str, status: int) -> None:
    async with httpx.AsyncClient() as http:
        got = await http.request(method, running.url + path)
    assert got.status_code == status
    assert not running.up.asked


async def test_a_file_that_is_not_there_is_not_found() -> None:
    missing = reply(b'{"error": {"message": "No such File object: file-x"}}', JSON, status=b"404 Not Found")
    async with gateway(missing) as running, client(running) as sdk:
        with pytest.raises(openai.NotFoundError, match="No such File object"):
            await sdk.files.retrieve("file-x")


async def test_an_empty_file_is_a_file() -> None:
    async with gateway(reply(b"", b"content-type: application/octet-stream")) as running, client(running) as sdk:
        assert (await sdk.files.content("file-abc")).content == b""


async def test_a_form_for_a_file_has_one(running: Running) -> None:
    assert (await post(running, "/v1/files", **form(MODEL))).status_code == 400
    assert (await post(running, "/v1/files", **form(FILE_PART, FILE_PART))).status_code == 400
    assert (await post(running, "/v1/batches", json={"endpoint": "/v1/embeddings"})).status_code == 400


async def test_what_is_counted_is_in_the_record(running: Running) -> None:
    async with client(running) as sdk:
        await sdk.images.generate(model="m", prompt="A cat")
        async with sdk.audio.speech.with_streaming_response.create(model="m", voice="alloy", input="Hi") as spoken:
            await spoken.read()
        await sdk.batches.retrieve("batch_1")
    async with httpx.AsyncClient() as http:
        figures = (await http.get(f"{running.url}/metrics")).text
    kinds = ("forebay_prompt_tokens_total{", "forebay_output_tokens_total{")
    tokens = [line.rpartition(" ")[2] for line in figures.splitlines() if line.startswith(kinds)]
    assert sorted(each for each in tokens if each != "0") == ["30", "7"]
