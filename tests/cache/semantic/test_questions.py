"""The stored questions: found while they live, by the words and by the vector, and never more than allowed."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from forebay.cache.semantic.index import packed
from forebay.cache.semantic.questions import Questions

DIMENSIONS = 8
MOST = 6
KEYS = st.integers(0, 9).map(lambda number: bytes([number]) * 32)
SCOPES = st.sampled_from([b"a", b"b"])
TEXTS = st.sampled_from(["one", "two", "three"])


def vector(text: str) -> bytes:
    return packed(np.random.default_rng(len(text) + ord(text[0])).normal(size=DIMENSIONS).astype(np.float32))


class Life(RuleBasedStateMachine):
    """Questions beside a dictionary that says what ought to be there."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = Questions(DIMENSIONS, MOST)
        self.now = 0.0
        self.added: dict[bytes, tuple[bytes, str, float]] = {}

    @rule(key=KEYS, scope=SCOPES, text=TEXTS, life=st.integers(1, 20))
    def add(self, key: bytes, scope: bytes, text: str, life: int) -> None:
        self.questions.add(key, scope, text, vector(text), self.now + life, self.now)
        self.added[key] = (scope, text, self.now + life)

    @rule(key=KEYS)
    def remove(self, key: bytes) -> None:
        self.questions.remove(key)
        self.added.pop(key, None)

    @rule(seconds=st.integers(1, 5))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(scope=SCOPES, text=TEXTS)
    def find(self, scope: bytes, text: str) -> None:
        for found in self.questions.nearest(scope, vector(text), 20, self.now):
            assert self.added[found.key][:2] == (scope, found.text)
            assert self.added[found.key][2] > self.now
        key = self.questions.same(scope, text, self.now)
        if key is not None:
            assert self.added[key][:2] == (scope, text)
            assert self.added[key][2] > self.now

    @invariant()
    def never_more_than_allowed(self) -> None:
        assert len(self.questions) <= MOST


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40)


def test_the_oldest_goes_first() -> None:
    questions = Questions(DIMENSIONS, 3)
    for number in range(5):
        questions.add(bytes([number]), b"s", f"text {number}", vector("x"), 9, 0)
    assert [questions.same(b"s", f"text {number}", 1) for number in range(5)] == [None, None, b"\2", b"\3", b"\4"]


def test_what_has_expired_makes_room_before_what_has_not() -> None:
    questions = Questions(DIMENSIONS, 3)
    for number, expires in enumerate([9, 9, 2]):
        questions.add(bytes([number]), b"s", f"text {number}", vector("x"), expires, 0)
    questions.nearest(b"s", vector("x"), 3, 3)
    questions.add(b"new", b"s", "text new", vector("x"), 9, 3)
    assert len(questions) == 3
    assert questions.same(b"s", "text 0", 3) == b"\0"


def test_an_addition_of_the_same_key_replaces_it() -> None:
    questions = Questions(DIMENSIONS, 3)
    questions.add(b"k", b"s", "old", vector("old"), 9, 0)
    questions.add(b"k", b"s", "new", vector("new"), 9, 0)
    assert questions.same(b"s", "old", 1) is None
    assert questions.same(b"s", "new", 1) == b"k"
    assert len(questions) == 1
