"""A watermark in the sampler: what is drawn has exactly the distribution that the definition gives."""

import numpy as np
import pytest

from forebay.core.errors import UnsupportedParameterError
from forebay.core.marks import SchemeName
from forebay.engine.marks import Marks
from forebay.engine.sampling import Sampler
from forebay.engine.sequence import Sampling
from forebay.watermark.marking import marker
from tests.engine.test_sampling import Doubles, Floats, assert_drawn_from, filtered, row, softmax
from tests.support import sequences
from tests.watermark.samples import scheme

DRAWS = 4000
SAID = (7, 8, 9, 10)


class Watermark:
    """A watermark whose markers are those of a scheme."""

    key = "autumn"

    def marker(self, _vocabulary: int, /) -> object:
        return marker(scheme("keyed"), delta=2.0, strength="soft")


def draws(logits: Floats, name: SchemeName = "keyed", count: int = DRAWS, **options: float) -> list[int]:
    sampler, chosen = Sampler(len(logits)), scheme(name)
    found = []
    for seed in range(count):
        sequence = sequences.sequence([1], Sampling(seed=seed, **options), ends=frozenset({0}), said=SAID)  # type: ignore[arg-type]
        sequence.marker = marker(chosen, delta=2.0, strength="soft")
        found.append(sampler.choose(logits[None].copy(), [sequence])[0].token)
    return found


def marked(probabilities: Doubles) -> Doubles:
    """The definition: e^δ times the probability of every green token, normalised."""
    green = scheme("keyed").green(SAID[-1:], np.arange(len(probabilities)))
    weights = probabilities * np.where(green, np.exp(2.0), 1.0)
    normalised: Doubles = weights / weights.sum()
    return normalised


@pytest.mark.parametrize("vocabulary", [3, 900, 1900])
@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_green_tokens_are_drawn_more_often_by_the_factor(vocabulary: int, temperature: float) -> None:
    logits = row(vocabulary)
    assert_drawn_from(draws(logits, temperature=temperature), marked(softmax(logits, temperature)))


@pytest.mark.parametrize("vocabulary", [900, 1900])
def test_what_a_filter_leaves_out_stays_out(vocabulary: int) -> None:
    logits = row(vocabulary, spread=1.0)
    kept = filtered(softmax(logits), top_p=0.6)
    found = draws(logits, top_p=0.6)
    assert not set(found) - set(np.flatnonzero(kept).tolist())
    assert_drawn_from(found, marked(kept))


def test_many_tokens_that_are_hardly_ever_green_are_weighed_in_the_end() -> None:
    logits = row(1900, spread=0.5)
    logits[scheme("keyed").green(SAID[-1:], np.arange(1900))] -= 20
    assert_drawn_from(draws(logits), marked(softmax(logits)))


@pytest.mark.parametrize("vocabulary", [900, 1900])
def test_a_draw_by_the_key_does_not_depend_on_the_seed(vocabulary: int) -> None:
    assert len(set(draws(row(vocabulary), "gumbel", 20))) == 1


def test_the_likeliest_token_of_the_favoured_ones_is_taken_where_nothing_is_drawn() -> None:
    logits = row(500)
    best = int((np.log(marked(softmax(logits)))).argmax())
    assert set(draws(logits, count=5, temperature=0)) == {best}
    assert set(draws(logits, "gumbel", count=5, temperature=0)) == {int(logits.argmax())}


def test_a_context_that_reaches_into_the_prompt_is_not_marked() -> None:
    sampler, logits = Sampler(1900), row(1900)
    for seed in range(200):
        sequence = sequences.sequence([5, 6, 7], Sampling(seed=seed), ends=frozenset({0}))
        plain = sampler.choose(logits[None].copy(), [sequence])[0].token
        sequence.marker = marker(scheme("keyed"), delta=20, strength="hard")
        assert sampler.choose(logits[None].copy(), [sequence])[0].token == plain


def test_one_row_is_marked_and_the_other_is_not() -> None:
    logits = np.stack([row(1900), row(1900)])
    chosen, green = scheme("keyed"), 0
    for seed in range(300):
        rows = [sequences.sequence([1], Sampling(seed=seed), ends=frozenset({0}), said=SAID) for _ in range(2)]
        rows[0].marker = marker(chosen, delta=20, strength="hard")
        first, second = Sampler(1900).choose(logits.copy(), rows)
        assert chosen.is_green(SAID[-1:], first.token)
        green += chosen.is_green(SAID[-1:], second.token)
    assert 30 < green < 130


@pytest.mark.parametrize(
    ("default", "asked", "wanted"), [(True, None, True), (True, False, False), (False, True, True)]
)
def test_a_request_goes_before_the_settings(*, default: bool, asked: bool | None, wanted: bool) -> None:
    marks = Marks(default)
    marks.watermark = Watermark()  # type: ignore[assignment]
    mark = marks.wanted(asked, 100)
    assert (mark.make is not None, mark.headers) == (wanted, (("x-watermark", "autumn"),) if wanted else ())


def test_a_mark_that_is_asked_for_and_not_there_is_refused() -> None:
    assert Marks().wanted(None, 100).make is None
    with pytest.raises(UnsupportedParameterError, match="has no watermark"):
        Marks().wanted(True, 100)  # noqa: FBT003
