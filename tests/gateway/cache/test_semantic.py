"""When another wording may answer: scope, refusals, shadows, an index that is wrong or down."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from forebay.cache.memory import MemoryStore
from forebay.cache.sqlite import SQLiteSettings, SQLiteStore
from forebay.core.cachecontrol import CacheControl
from forebay.core.entries import CacheUnavailableError, News, Question, Selection
from forebay.core.types import Operation
from forebay.gateway.cache.shadow import overlap
from forebay.gateway.cache.wording import question_of
from forebay.settings import SemanticSettings, section
from tests.support.cached import SEMANTIC, Site, completion, text_of
from tests.support.similar import SameWords
from tests.support.until import until

ASKED = "where is the forebay"
AGAIN = "where the forebay is"
RULES = SemanticSettings(section("local", {}))


def user(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def site(shadow: float = 0.0, script: Any = None) -> Site:
    settings = msgspec.structs.replace(SEMANTIC, semantic=msgspec.structs.replace(RULES, shadow=shadow))
    return Site(script or [completion()], settings, mode="semantic", similar=SameWords())


async def test_other_words_are_answered_and_it_is_said_how_near_they_were() -> None:
    here = site()
    await here.fetch(**user(ASKED))
    await here.settle()
    reply = await here.ask(here.call(**user(AGAIN)))
    headers = dict(reply.headers)
    assert (headers["x-cache"], headers["x-cache-similarity"], headers["age"]) == ("SEMANTIC-HIT", "0.9700", "0")
    assert (await here.fetch(stream=True, **user(AGAIN)))[0] == "SEMANTIC-HIT"
    assert (await here.fetch(**user(ASKED)))[0] == "HIT"
    assert here.asked == 1


@pytest.mark.parametrize(
    "other",
    [
        {"tenant": "other"},
        {"temperature": 0},
        {"seed": 7},
        {"cache": CacheControl(namespace="other")},
        {"cache": CacheControl(mode="exact")},
        {"header": "max-age=0"},
    ],
)
async def test_all_else_must_be_equal(other: dict[str, Any]) -> None:
    here = site()
    await here.fetch(**user(ASKED))
    await here.settle()
    here.clock.now += 1
    assert (await here.fetch(**user(AGAIN), **other))[0] == "MISS"


async def test_the_history_must_be_equal_too() -> None:
    here = site()
    for told, wanted in (("a", "MISS"), ("b", "MISS"), ("b", "SEMANTIC-HIT")):
        before = [{"role": "user", "content": told}, {"role": "assistant", "content": "Yes."}]
        text = AGAIN if wanted == "SEMANTIC-HIT" else ASKED
        assert (await here.fetch(messages=[*before, {"role": "user", "content": text}]))[0] == wanted
        await here.settle()


async def test_a_caller_may_ask_for_more_likeness_and_not_for_less() -> None:
    here = site()
    similar = here.keeper.similar
    assert isinstance(similar, SameWords)
    for given, used in ((0.99, 0.99), (0.5, 0.88)):
        await here.fetch(**user(f"{ASKED} {given}"), cache=CacheControl(threshold=given))
        assert similar.threshold == used


async def test_a_model_that_is_not_semantic_never_asks_the_index() -> None:
    here = Site([completion()], SEMANTIC, similar=SameWords())
    await here.fetch(**user(ASKED))
    await here.settle()
    assert (await here.fetch(**user(AGAIN)))[0] == "MISS"
    assert isinstance(here.keeper.similar, SameWords)
    assert not here.keeper.similar.asked


PART = {"type": "text", "text": "x"}


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function"}]},
        {"functions": [{}]},
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        {"response_format": {"type": "json_object"}},
        {"temperature": 0.1},
        {"n": 2},
        {"logprobs": True},
        {"modalities": ["text", "audio"]},
        {"web_search_options": {"x": 1}},
        {"messages": [{"role": "user", "content": [PART, {"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"messages": [{"role": "user", "content": "x" * 2001}]},
        {"messages": [{"role": "user", "content": "  "}]},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]},
        {"messages": [{"role": "tool", "content": "x"}, {"role": "user", "content": "x"}]},
        {"messages": [1]},
    ],
)
def test_what_depends_on_more_than_words_is_refused(fields: dict[str, Any]) -> None:
    assert question_of(Operation.CHAT, {**user("Hi"), **fields}, RULES) is None


@pytest.mark.parametrize(
    "fields",
    [{}, {"temperature": 0}, {"temperature": None}, {"n": 1}, {"response_format": {"type": "text"}}, {"tools": []}],
)
def test_plain_chats_are_not(fields: dict[str, Any]) -> None:
    assert question_of(Operation.CHAT, {**user("Hi"), **fields}, RULES) == "Hi"


def test_the_configuration_may_allow_chance_and_only_chats_are_looked_at() -> None:
    warm = msgspec.structs.replace(RULES, max_temperature=1.0)
    assert question_of(Operation.CHAT, {**user("Hi"), "temperature": 0.7}, warm) == "Hi"
    assert question_of(Operation.COMPLETION, {"prompt": "Hi"}, RULES) is None


async def test_a_question_whose_entry_is_gone_is_forgotten_by_the_index() -> None:
    here = site()
    await here.fetch(**user(ASKED))
    await here.settle()
    await here.keeper.delete_where(Selection(tenant="team"))
    similar = here.keeper.similar
    assert isinstance(similar, SameWords)
    (before,) = similar.held
    assert (await here.fetch(**user(AGAIN)))[0] == "MISS"
    await here.settle()
    assert before not in similar.held


async def test_an_index_that_is_down_costs_a_hit_and_no_request() -> None:
    here = site()
    assert isinstance(here.keeper.similar, SameWords)
    here.keeper.similar.down = True
    assert (await here.fetch(**user(ASKED)))[0] == "MISS"
    assert here.keeper.counts.errors == 1


async def test_the_index_is_filled_from_the_store_at_the_start() -> None:
    here = site()
    await here.fetch(**user(ASKED))
    await here.settle()
    similar = here.keeper.similar
    assert isinstance(similar, SameWords)
    similar.held = {b"gone": Question(b"", "")}
    await here.keeper.start()
    indexing = here.keeper._indexing
    assert indexing is not None
    await indexing
    assert (await here.fetch(**user(AGAIN)))[0] == "SEMANTIC-HIT"
    await here.keeper.close()


async def test_what_another_process_has_stored_is_found_soon(tmp_path: Path) -> None:
    def process() -> Site:
        store = SQLiteStore(SQLiteSettings(str(tmp_path / "answers.db")))
        here = Site([completion()], SEMANTIC, mode="semantic", similar=SameWords(), store=store)
        here.keeper._following = 0.01
        return here

    one, other = process(), process()
    await one.keeper.start()
    await other.keeper.start()
    await one.fetch(**user(ASKED))
    await one.settle()
    similar = other.keeper.similar
    assert isinstance(similar, SameWords)
    await until(lambda: bool(similar.held))
    assert (await other.fetch(**user(AGAIN)))[0] == "SEMANTIC-HIT"
    await one.keeper.close()
    await other.keeper.close()


async def test_a_store_that_is_down_at_the_start_fills_the_index_when_it_is_back() -> None:
    class Away(MemoryStore):
        down = True

        async def news(self, _mark: str | None) -> News:
            if self.down:
                raise CacheUnavailableError("down")
            return News()

    store = Away(10**7)
    here = Site([completion()], SEMANTIC, mode="semantic", similar=SameWords(), store=store)
    await here.fetch(**user(ASKED))
    await here.settle()
    here.keeper._following = 0.01
    await here.keeper.start()
    await until(lambda: here.keeper.counts.errors > 1)
    store.down = False
    indexing = here.keeper._indexing
    assert indexing is not None
    await indexing
    assert (await here.fetch(**user(AGAIN)))[0] == "SEMANTIC-HIT"
    await here.keeper.close()


@pytest.mark.parametrize(("fresh", "agreed"), [("Hi", 1), ("Something else entirely", 0)])
async def test_a_shadow_compares_a_hit_with_a_fresh_answer(fresh: str, agreed: int) -> None:
    here = site(shadow=1.0)
    await here.fetch(**user(ASKED))
    await here.settle()
    here.provider.script = [completion(fresh)]
    label, answer = await here.fetch(stream=True, **user(AGAIN))
    assert (label, text_of(answer)) == ("SEMANTIC-HIT", "Hi")
    await here.settle()
    counts = here.keeper.counts
    assert (counts.shadows, counts.shadows_agreed, here.asked) == (1, agreed, 2)
    shadow, _ = here.provider.calls[1]
    assert not shadow.request.stream
    assert shadow.trace.cache == "shadow"
    assert (await here.fetch(**user(ASKED)))[0] == "HIT", "nor is what it said stored"


async def test_shadows_are_bounded() -> None:
    here = site(shadow=1.0)
    await here.fetch(**user(ASKED))
    await here.settle()
    gate = here.hold()
    for number in range(10):
        await here.fetch(**user(AGAIN), user=str(number))
    await asyncio.sleep(0)
    gate.set()
    await here.settle()
    assert here.keeper.counts.shadows == RULES.max_shadows


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("", "", 1.0), ("a b", "A, b!", 1.0), ("a b", "c", 0.0), ("a b c d", "a b", 2 / 3)]
)
def test_answers_agree_by_their_words(one: str, other: str, expected: float) -> None:
    assert overlap(one, other) == pytest.approx(expected)
