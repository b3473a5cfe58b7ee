"""The semantic tier behind its port: what it finds, what it refuses, and what it survives."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from forebay.cache.semantic.settings import IndexSettings
from forebay.cache.semantic.tier import SemanticTier
from forebay.core.entries import CacheUnavailableError, Entry, Question
from tests.support.embedding import DIMENSIONS, CountingEmbedder

SCOPE, OTHER = b"s" * 32, b"o" * 32
LEAST = 0.5
ASKED = "How do I bake sourdough bread?"
STORED = "How can I bake sourdough bread?"


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
async def tier(embedder: CountingEmbedder, clock: Clock) -> AsyncIterator[SemanticTier]:
    made = SemanticTier(embedder, IndexSettings(), clock)
    await made.start()
    yield made
    await made.close()
    assert embedder.closed


async def store(tier: SemanticTier, key: bytes, text: str, scope: bytes = SCOPE, expires: float = 2000) -> None:
    await tier.add(key, await tier.question(scope, text), expires)


async def test_the_same_words_are_found_without_a_vector(tier: SemanticTier, embedder: CountingEmbedder) -> None:
    await store(tier, b"k", "What's DNS?")
    embedder.asked.clear()
    match = await tier.find(SCOPE, "please tell me WHAT IS  dns", LEAST)
    assert match is not None
    assert (match.key, match.similarity) == (b"k", 1.0)
    assert embedder.asked == []


async def test_other_words_are_found(tier: SemanticTier) -> None:
    await store(tier, b"k", STORED)
    match = await tier.find(SCOPE, ASKED, LEAST)
    assert match is not None
    assert match.key == b"k"
    assert LEAST <= match.similarity <= 1


@pytest.mark.parametrize(
    "asked",
    ["How can I bake 2 sourdough bread?", "How can I not bake sourdough bread?", "How can I bake rye sourdough bread?"],
)
async def test_what_the_verification_refuses_is_not_found(tier: SemanticTier, asked: str) -> None:
    await store(tier, b"k", STORED)
    assert await tier.find(SCOPE, asked, 0.0) is None
    assert sum(count for name, count in tier.gauges().items() if name.startswith("refused_")) == 1


async def test_a_refused_neighbour_does_not_hide_the_one_behind_it(tier: SemanticTier) -> None:
    await store(tier, b"near", "How do I bake rye sourdough bread?")
    await store(tier, b"far", STORED)
    match = await tier.find(SCOPE, ASKED, 0.0)
    assert match is not None
    assert match.key == b"far"


async def test_the_threshold_holds(tier: SemanticTier) -> None:
    await store(tier, b"k", "Is sourdough bread healthy?")
    assert await tier.find(SCOPE, "Is sourdough bread really healthy?", 0.95) is None


async def test_another_scope_is_never_found(tier: SemanticTier) -> None:
    await store(tier, b"k", STORED, OTHER)
    assert await tier.find(SCOPE, STORED, 0.0) is None
    assert await tier.find(SCOPE, ASKED, 0.0) is None


async def test_what_was_removed_or_has_expired_is_not_found(tier: SemanticTier, clock: Clock) -> None:
    await store(tier, b"k", STORED)
    await store(tier, b"l", "What is DNS?", expires=1500)
    await tier.remove(b"k")
    await tier.remove(b"unknown")
    clock.now = 1500
    assert [await tier.find(SCOPE, text, 0.0) for text in (STORED, ASKED, "What is DNS?")] == [None] * 3


@pytest.mark.parametrize(
    "text", ["What is the weather in Rome?", "What's on TV tonight?", "Tell me a random fact", "go on"]
)
async def test_what_changes_is_neither_looked_for_nor_found(
    tier: SemanticTier, embedder: CountingEmbedder, text: str
) -> None:
    question = await tier.question(SCOPE, text)
    assert question.vector == b""
    await tier.add(b"k", question, 2000)
    assert await tier.find(SCOPE, text, 0.0) is None
    assert embedder.asked == []
    assert tier.gauges()["entries"] == 0


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Is this sentence right: I cant go", "Is this sentence right: I can't go"),
        ("Correct the punctuation: hello world?", "Correct the punctuation: hello world"),
        ("Uppercase or lowercase: HELLO", "Uppercase or lowercase: hello"),
        ("How many spaces are in a   b", "How many spaces are in a b"),
        ("Only I love you, translate it", "I only love you, translate it"),
        ("Count the letters in strawberry", "Count letters in strawberries"),
        ("Translate 'good' to French", "Translate 'Good' to French"),
    ],
)
async def test_a_text_about_how_it_is_written_has_no_other_wording(tier: SemanticTier, stored: str, asked: str) -> None:
    await store(tier, b"k", stored)
    assert await tier.find(SCOPE, asked, 0.0) is None
    assert tier.gauges()["entries"] == 0


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Is A better than B?", "Is B better than A?"),
        ("is a better than b", "is b better than a"),
        ("How do I go from A to B?", "How do I go from B to A?"),
        ("What is Plan A?", "What is a plan?"),
        ("What does IT do?", "What does it do?"),
        ("Is there a US visa?", "Is there us visa?"),
        ("I have AIDS", "I have aids"),
        ("Is Turkey cheap?", "Is turkey cheap?"),
        ("Who is Polish?", "Who is polish?"),
        ("What is US law?", "What is us law?"),
    ],
)
async def test_letters_that_are_names_and_capitals_that_make_words_are_seen(
    tier: SemanticTier, stored: str, asked: str
) -> None:
    await store(tier, b"k", stored)
    assert await tier.find(SCOPE, asked, 0.0) is None


async def test_the_vector_of_a_find_serves_the_question_that_follows(
    tier: SemanticTier, embedder: CountingEmbedder
) -> None:
    assert await tier.find(SCOPE, ASKED, LEAST) is None
    question = await tier.question(SCOPE, ASKED)
    assert len(embedder.asked) == 1
    assert len(question.vector) == DIMENSIONS


async def test_a_text_too_long_for_the_model_is_a_miss(tier: SemanticTier) -> None:
    long = "very " * 101
    question = await tier.question(SCOPE, long)
    assert question.vector == b""
    assert await tier.find(SCOPE, long, 0.0) is None
    assert tier.gauges()["too_long_total"] == 2


async def test_vectors_of_another_embedder_are_passed_over(tier: SemanticTier) -> None:
    question = await tier.question(SCOPE, STORED)
    await tier.add(b"k", Question(SCOPE, STORED, question.vector, "another"), 2000)
    await tier.add(b"l", Question(SCOPE, STORED, b"short", question.embedder), 2000)
    assert tier.gauges()["entries"] == 0


async def entries(tier: SemanticTier) -> AsyncIterator[tuple[bytes, Entry]]:
    for number in range(100):
        question = await tier.question(SCOPE, f"How do I bake bread number {number}?")
        yield bytes([number]), Entry(b"{}", 0, 2000, question=question)
    yield b"none", Entry(b"{}", 0, 2000)
    yield b"old", Entry(b"{}", 0, 999, question=question)
    yield b"other", Entry(b"{}", 0, 2000, question=Question(SCOPE, "x", b"", "another"))


async def test_rebuilding_forgets_what_the_store_does_not_have(tier: SemanticTier) -> None:
    await store(tier, b"k", "What is DNS?")
    assert await tier.rebuild(entries(tier)) == 100
    assert tier.gauges()["entries"] == 100
    assert await tier.find(SCOPE, "What is DNS?", 0.0) is None
    match = await tier.find(SCOPE, "how do i bake bread number 42", 0.0)
    assert match is not None
    assert match.key == bytes([42])


async def test_many_at_once_are_answered_and_too_many_are_misses(embedder: CountingEmbedder, clock: Clock) -> None:
    tier = SemanticTier(embedder, IndexSettings(max_waiting=4), clock)
    await tier.start()
    texts = [f"How do I bake bread for {number} guests?" for number in range(20)]
    questions = await asyncio.gather(*[tier.question(SCOPE, text) for text in texts])
    assert sum(bool(question.vector) for question in questions) >= 4
    await asyncio.gather(*[tier.add(bytes([at]), each, 2000) for at, each in enumerate(questions) if each.vector])
    found = await asyncio.gather(*[tier.find(SCOPE, text, 0.9) for text in texts])
    for at, match in enumerate(found):
        assert match is None or match.key == bytes([at])
    await tier.close()


async def test_before_the_start_and_after_the_end_it_cannot_be_asked(embedder: CountingEmbedder) -> None:
    tier = SemanticTier(embedder, IndexSettings())
    with pytest.raises(CacheUnavailableError):
        await tier.find(SCOPE, ASKED, LEAST)
    await tier.close()
    with pytest.raises(CacheUnavailableError):
        await tier.remove(b"k")
