"""Which replica a prompt is sent to."""

from hypothesis import given
from hypothesis import strategies as st

from forebay.gateway.strategies.prefix_aware import PrefixAwareSettings
from forebay.rayserve.prompts import SentPrompts

LOADS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50), min_size=1)


def _sent(**to: list[int]) -> SentPrompts[str]:
    found: SentPrompts[str] = SentPrompts(PrefixAwareSettings())
    for replica, pieces in to.items():
        found.sent(replica, pieces)
    return found


def test_beginning_is_found_again() -> None:
    prompts = _sent(a=[1, 2, 3], b=[7, 8])
    assert prompts.ranked([1, 2, 9], {"b": 0, "a": 0}) == ["a", "b"]
    assert prompts.ranked([7, 8, 9], {"a": 0, "b": 0}) == ["b", "a"]


def test_load_outweighs_it() -> None:
    assert _sent(a=[1, 2, 3]).ranked([1, 2, 3], {"a": 20, "b": 0}) == ["b", "a"]


def test_the_same_load_leaves_it() -> None:
    assert _sent(a=[1, 2, 3]).ranked([1, 2, 3], {"a": 20, "b": 20}) == ["a", "b"]


def test_who_is_gone_is_forgotten() -> None:
    prompts = _sent(a=[1], b=[2])
    prompts.keep({"b"})
    assert len(prompts) == 1


@given(LOADS, st.lists(st.integers()))
def test_everybody_is_ranked_once(loads: dict[str, int], pieces: list[int]) -> None:
    ranked = _sent(a=[1, 2], b=[3]).ranked(pieces, loads)
    assert sorted(ranked) == sorted(loads)


@given(LOADS)
def test_without_memory_the_idlest_comes_first(loads: dict[str, int]) -> None:
    ranked = _sent().ranked([1, 2], loads)
    assert [loads[each] for each in ranked] == sorted(loads.values())
