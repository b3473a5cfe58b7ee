"""The second check: its trees, its features, and what the verifier makes of both."""

from hypothesis import given
from hypothesis import strategies as st

from forebay.cache.semantic.normalise import normalise
from forebay.cache.semantic.verify import trees
from forebay.cache.semantic.verify.features import NAMES, features
from forebay.cache.semantic.verify.reading import read
from forebay.cache.semantic.verify.trees import Tree, Trees
from forebay.cache.semantic.verify.verifier import DOUBT, Verifier

STUMP = Tree(feature=[1, -1, -1], threshold=[0.5, 0, 0], left=[1, 0, 0], right=[2, 0, 0], value=[0, -2.0, 2.0])
WORDS = st.lists(
    st.sampled_from(
        ["what", "how", "is", "are", "a", "the", "best", "do", "i", "make", "use", "in", "of", "paris", "tea", "like"]
    ),
    max_size=9,
)


def test_a_tree_goes_left_up_to_its_threshold() -> None:
    assert [STUMP.at([9, value]) for value in (0.4, 0.5, 0.6)] == [-2.0, -2.0, 2.0]


def test_trees_add_up_to_a_probability() -> None:
    both = Trees(["a", "b"], 0.0, [STUMP, STUMP])
    assert both.probability([0, 0]) + both.probability([0, 1]) == 1
    assert both.probability([0, 1]) > 0.98


def test_the_trees_that_come_with_forebay_know_these_features() -> None:
    loaded = trees.load()
    assert tuple(loaded.names) == NAMES
    for tree in loaded.trees:
        inner = [node for node, feature in enumerate(tree.feature) if feature >= 0]
        assert all(tree.feature[node] < len(NAMES) for node in inner)
        # Children lie behind their parents: no walk is endless.
        assert all(node < tree.left[node] < len(tree.feature) for node in inner)
        assert all(node < tree.right[node] < len(tree.feature) for node in inner)


@given(WORDS, WORDS, st.floats(0, 1))
def test_features_do_not_depend_on_which_text_was_asked(one: list[str], other: list[str], cosine: float) -> None:
    here, there = read(" ".join(one)), read(" ".join(other))
    assert sorted(features(here, there, cosine)) == sorted(features(there, here, cosine))
    assert len(features(here, there, cosine)) == len(NAMES)


@given(WORDS, WORDS, st.floats(0.5, 1), st.floats(0.5, 1))
def test_a_larger_cosine_never_speaks_against_a_pair(one: list[str], other: list[str], low: float, high: float) -> None:
    here, there = read(" ".join(one)), read(" ".join(other))
    low, high = sorted((low, high))
    certain = trees.load().probability
    assert certain(features(here, there, low)) <= certain(features(here, there, high))


@given(st.text())
def test_every_text_answers_itself(text: str) -> None:
    plain = normalise(text)
    assert Verifier(1.0).refusal(plain, plain, 1.0) is None


def test_what_differs_in_small_words_is_left_to_the_second_check() -> None:
    verifier = Verifier(0.25)
    assert verifier.refusal("how do i bake bread", "what is the best way to bake bread", 0.95) is None
    assert verifier.refusal("what is osmosis", "what is osmosis used for", 0.9) == DOUBT
    assert verifier.refusal("what is osmosis", "what is gravity", 0.99) == "wording"


def test_texts_that_are_too_long_to_compare_are_told_apart() -> None:
    long = "word " * 401
    assert Verifier(0).refusal(long + "a", long + "b", 1.0) == "length"
