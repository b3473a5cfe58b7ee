"""The adapter under LangChain's own models: they ask it, it answers, in threads and in event loops."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from forebay.cache.langchain import ForebayCache
from forebay.core.entries import Entry


@pytest.fixture(params=["memory", "sqlite"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForebayCache]:
    made = ForebayCache("memory" if request.param == "memory" else f"sqlite:{tmp_path / 'c.db'}")
    yield made
    made.close()


def model(cache: ForebayCache, *answers: str) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage(each) for each in answers]), cache=cache)


def test_a_chat_model_is_asked_once(cache: ForebayCache) -> None:
    chat = model(cache, "first", "second")
    assert [chat.invoke("Hi").content for _ in range(3)] == ["first"] * 3
    assert chat.invoke("Another").content == "second"


async def test_so_it_is_from_an_event_loop(cache: ForebayCache) -> None:
    chat = model(cache, "first")
    assert [(await chat.ainvoke("Hi")).content for _ in range(3)] == ["first"] * 3


def test_answers_come_back_whole(cache: ForebayCache) -> None:
    message = AIMessage(
        "Hi",
        tool_calls=[{"name": "f", "args": {"a": 1}, "id": "1"}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    )
    answer: list[Any] = [ChatGeneration(message=message), Generation(text="plain", generation_info={"x": 1})]
    cache.update("p", "m", answer)
    assert cache.lookup("p", "m") == answer
    assert cache.lookup("p", "other") is None


def test_clearing_forgets_one_tenant(tmp_path: Path) -> None:
    name = f"sqlite:{tmp_path / 'c.db'}"
    mine, theirs = ForebayCache(name, tenant="a"), ForebayCache(name, tenant="b")
    for each in (mine, theirs):
        each.update("p", "m", [Generation(text="x")])
    mine.clear()
    assert (mine.lookup("p", "m"), theirs.lookup("p", "m")) == (None, [Generation(text="x")])
    mine.close()
    theirs.close()


async def test_it_clears_from_an_event_loop_too(cache: ForebayCache) -> None:
    await cache.aupdate("p", "m", [Generation(text="x")])
    await cache.aclear()
    assert await cache.alookup("p", "m") is None


def test_nothing_is_made_of_what_a_store_names(cache: ForebayCache) -> None:
    evil = '{"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "PromptTemplate"], "kwargs": {}}'
    cache.update("p", "m", [])
    key = cache._key("p", "m")
    cache._submit(cache._store.put(key, Entry(msgspec.json.encode([evil]), 0.0, 1e12))).result()
    assert cache.lookup("p", "m") is None


def test_a_redis_that_is_away_makes_no_program_fail(tmp_path: Path) -> None:
    cache = ForebayCache(f"unix://{tmp_path / 'nobody'}")
    assert model(cache, "first", "second").invoke("Hi").content == "first"
    cache.close()
