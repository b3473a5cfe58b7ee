"""A text says the same past its rules however it is cut, and nothing leaves that a rule stops."""

import asyncio
import itertools
import re
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forebay.core.ports import REACH
from forebay.core.verdicts import Context, Side
from forebay.gateway.guarding.judging import Judging, Silent
from forebay.gateway.guarding.passage import Passage, steps
from forebay.gateway.guarding.reaction import Reaction, Violation, replaced
from forebay.gateway.guarding.rules import Rule, Rules
from forebay.gateway.guarding.vault import Restoring, in_json, plainly
from forebay.settings import RuleSettings
from tests.support.guards import Lengths, Words
from tests.support.scripted import call

MASK = Rule("mask", Words(["ab", "abc", "cab"]))
SECOND = Rule("second", Words(["WORD", "bb"], instead="-"))
REMOVE = Rule("remove", Words(["ac"]), RuleSettings(on_fail="filter"))
STOP = Rule("stop", Words(["bbc", "cc"], "block"))
BLOCK = Rule("block", Words(["aca", "bb"], "block"), RuleSettings(on_fail="exception"))
REFRAIN = Rule("refrain", Words(["cca"], "block"), RuleSettings(on_fail="refrain"))
WHOLE = Rule("whole", Lengths(9), RuleSettings(on_fail="exception"))
RULES: Sequence[Rules] = (
    (MASK,),
    (BLOCK,),
    (STOP,),
    (MASK, SECOND),
    (REMOVE, MASK, BLOCK),
    (BLOCK, REFRAIN),
    (WHOLE,),
    (MASK, WHOLE, BLOCK),
)


def passage(rules: Rules) -> Passage:
    judging = Judging(call(), Silent())
    return Passage(steps(rules, judging, Context(Side.OUTPUT), lambda _rule, span, _text: replaced(span)))


async def through(way: Passage, pieces: Iterable[str]) -> tuple[str, Reaction | None]:
    """What left, and what stopped the rest."""
    left = ""
    try:
        for piece in pieces:
            left += await way.feed(piece)
        return left + await way.end(), None
    except Violation as violation:
        return left, violation.reaction


def cut(text: str, at: Iterable[int]) -> list[str]:
    places = [0, *sorted(set(at)), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(places)]


async def judged_whole(rules: Rules, text: str) -> tuple[str, bool]:
    """The most that may ever leave of ``text``: all that stands before what is stopped; and whether something is."""
    changed, stopped = await through(
        passage(tuple(rule for rule in rules if rule.changes and rule is not STOP)), [text]
    )
    if stopped:
        return "", True
    places = [
        found.start()
        for rule in rules
        if isinstance(rule.guard, Words) and (not rule.changes or rule is STOP)
        for found in re.finditer(rule.guard._pattern, changed)
    ]
    if WHOLE in rules and len(changed) > 9:
        places.append(0)
    return (changed[: min(places)], True) if places else (changed, False)


async def assert_same(rules: Rules, text: str, pieces: list[str]) -> None:
    most, stops = await judged_whole(rules, text)
    left, stopped = await through(passage(rules), pieces)
    assert bool(stopped) == stops
    assert most.startswith(left) if stops else left == most


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("text", ["abcabbc", "xcabcabx", "bbcaabac", "ccabbabc", "a", "ab", "caabbcca"])
async def test_every_way_to_cut_a_text(rules: Rules, text: str) -> None:
    for number in range(1 << (len(text) - 1)):
        await assert_same(rules, text, cut(text, [at for at in range(1, len(text)) if number >> (at - 1) & 1]))


@given(st.sampled_from(RULES), st.text("abcx", max_size=60), st.lists(st.integers(0, 60)))
@example((MASK,), "ab" * 30, list(range(60)))
def test_cut_anywhere(rules: Rules, text: str, at: list[int]) -> None:
    asyncio.run(assert_same(rules, text, cut(text, [place for place in at if place < len(text)])))


@given(st.sampled_from(RULES[:5]), st.lists(st.sampled_from(["ab", "bb", "x" * 700, "cab", "y" * 50]), max_size=20))
def test_long_texts_are_judged_by_their_ends(rules: Rules, parts: list[str]) -> None:
    text = "".join(parts)
    asyncio.run(assert_same(rules, text, cut(text, range(0, len(text), 97))))


async def test_a_guard_sees_no_more_of_a_long_stream_than_it_needs() -> None:
    guard = Words(["secret"])
    await through(passage((Rule("w", guard),)), ["word "] * 5000)
    assert max(len(text) for text, _ in guard.seen) < 4 * REACH


async def test_text_leaves_as_soon_as_it_is_cleared() -> None:
    way = passage((Rule("w", Words(["secret"])),))
    assert await way.feed("hello wor") == "hell"
    assert await way.feed("ld") == "o "
    assert await way.end() == "world"


async def test_what_must_be_seen_whole_leaves_at_the_end() -> None:
    way = passage((Rule("w", Words(["secret"]), RuleSettings(streaming="buffer")),))
    assert await way.feed("hello world") == ""
    assert await way.end() == "hello world"


VALUES = {"[NAME-1-ABCDEF]": "Ann", "[NAME-12-ABCDEF]": 'B"b'}


@given(
    st.lists(
        st.sampled_from(
            ["[NAME-1-ABCDEF]", "[name-12-abcdef]", "[NAME-1-", "[", "x", "[NAME-1-ABCDEG]", "[NAME-1[NAME"]
        )
    ),
    st.lists(st.integers(0, 200)),
    st.sampled_from([plainly, in_json]),
)
def test_values_return_however_their_placeholders_are_cut(parts: list[str], at: list[int], write: object) -> None:
    text = "".join(parts)

    async def run() -> None:
        whole = await through(Passage([Restoring(VALUES, write)]), [text])  # type: ignore[arg-type]  # one of the two
        pieces = cut(text, [place for place in at if place < len(text)])
        assert await through(Passage([Restoring(VALUES, write)]), pieces) == whole  # type: ignore[arg-type]  # as above
        expected = re.sub(r"(?i)\[NAME-1-ABCDEF\]", "Ann", text)
        bob = 'B\\"b' if write is in_json else 'B"b'
        assert whole[0] == re.sub(r"(?i)\[NAME-12-ABCDEF\]", lambda _: bob, expected)

    asyncio.run(run())


async def test_a_placeholder_is_held_back_no_longer_than_needed() -> None:
    way = Restoring(VALUES, plainly)
    assert await way.feed("Hi [NAM") == "Hi "
    assert await way.feed("E-1") == ""
    assert await way.feed("-abcdef], [") == "Ann, "
    assert await way.feed("no") == "[no"
    assert await way.end("[NAME-1-ABC") == "[NAME-1-ABC"
