"""Sampling is exact: what is drawn has the distribution that the definition gives, computed here the slow way."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.sampling import Sampler, derived, uniform
from forebay.engine.sequence import Logprobs, Sampling, Sequence
from tests.support import sequences

DRAWS = 6000
Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


def sequence(sampling: Sampling, prompt: tuple[int, ...] = (1,), said: tuple[int, ...] = ()) -> Sequence:
    return sequences.sequence(list(prompt), sampling, ends=frozenset({0}), said=said)


def row(vocabulary: int, seed: int = 0, spread: float = 2.0) -> Floats:
    return np.random.default_rng(seed).normal(0, spread, vocabulary).astype(np.float32)


def draws(logits: Floats, count: int = DRAWS, **options: Any) -> list[int]:
    sampler = Sampler(len(logits))
    return [
        sampler.choose(logits[None].copy(), [sequence(Sampling(seed=seed, **options))])[0].token
        for seed in range(count)
    ]


def softmax(logits: Floats, temperature: float = 1.0) -> Doubles:
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    normalised: Doubles = weights / weights.sum()
    return normalised


def filtered(probabilities: Doubles, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0) -> Doubles:
    """The definition: sort, cut what is too rare, cut after k, cut after the mass p of what is left, normalise."""
    order = np.argsort(-probabilities, kind="stable")
    order = order[probabilities[order] >= min_p * probabilities.max()]
    kept = order[:top_k] if top_k else order
    mass = np.cumsum(probabilities[kept]) / probabilities[kept].sum()
    kept = kept[: int(np.searchsorted(mass, top_p)) + 1]
    cut = np.zeros_like(probabilities)
    cut[kept] = probabilities[kept] / probabilities[kept].sum()
    return cut


def assert_drawn_from(found: list[int], expected: Doubles) -> None:
    """A chi-square test at one in a million (Wilson and Hilferty's approximation), rare tokens taken together."""
    counts = np.bincount(found, minlength=len(expected)).astype(np.float64)
    assert not counts[expected == 0].any(), "a token was drawn that cannot be"
    wanted = expected * len(found)
    rare = wanted < 8
    observed, hoped = np.append(counts[~rare], counts[rare].sum()), np.append(wanted[~rare], wanted[rare].sum())
    observed, hoped = observed[hoped > 0], hoped[hoped > 0]
    statistic = float(((observed - hoped) ** 2 / hoped).sum())
    freedom = max(len(hoped) - 1, 1)
    limit = freedom * (1 - 2 / (9 * freedom) + 4.75 * math.sqrt(2 / (9 * freedom))) ** 3
    assert statistic < limit, f"chi-square {statistic:.1f} with {freedom} degrees of freedom, limit {limit:.1f}"


@pytest.mark.parametrize("vocabulary", [3, 256, 1000, 2000, 5120])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_temperature(vocabulary: int, temperature: float) -> None:
    logits = row(vocabulary)
    assert_drawn_from(draws(logits, temperature=temperature), softmax(logits, temperature))


@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("spread", [0.3, 3.0])
@pytest.mark.parametrize("vocabulary", [700, 3000])
def test_top_p(top_p: float, spread: float, vocabulary: int) -> None:
    logits = row(vocabulary, spread=spread)
    assert_drawn_from(draws(logits, top_p=top_p), filtered(softmax(logits), top_p=top_p))


@pytest.mark.parametrize("top_k", [1, 2, 3, 40, 699])
@pytest.mark.parametrize("vocabulary", [700, 3000])
def test_top_k(top_k: int, vocabulary: int) -> None:
    logits = row(vocabulary)
    assert_drawn_from(draws(logits, top_k=top_k), filtered(softmax(logits), top_k=top_k))


@pytest.mark.parametrize("temperature", [0.02, 0.1, 0.2])
@pytest.mark.parametrize(("top_k", "top_p"), [(0, 1.0), (0, 0.9), (5, 1.0), (20, 0.8)])
def test_low_temperatures(temperature: float, top_k: int, top_p: float) -> None:
    logits = row(5000, spread=0.4)
    found = draws(logits, temperature=temperature, top_k=top_k, top_p=top_p)
    assert_drawn_from(found, filtered(softmax(logits, temperature), top_k, top_p))


@pytest.mark.parametrize("min_p", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [0.2, 1.0])
@pytest.mark.parametrize("vocabulary", [700, 3000])
def test_min_p(min_p: float, temperature: float, vocabulary: int) -> None:
    logits = row(vocabulary)
    found = draws(logits, temperature=temperature, min_p=min_p)
    assert_drawn_from(found, filtered(softmax(logits, temperature), min_p=min_p))


@pytest.mark.parametrize("vocabulary", [700, 3000])
def test_min_p_first_then_top_k_then_top_p(vocabulary: int) -> None:
    logits = row(vocabulary, spread=0.5)
    found = draws(logits, temperature=0.8, min_p=0.4, top_k=20, top_p=0.7)
    assert_drawn_from(found, filtered(softmax(logits, 0.8), min_p=0.4, top_k=20, top_p=0.7))


@pytest.mark.parametrize("vocabulary", [700, 3000])
def test_top_k_first_then_top_p_of_what_is_left(vocabulary: int) -> None:
    logits = row(vocabulary, spread=0.5)
    found = draws(logits, temperature=0.8, top_k=20, top_p=0.7)
    assert_drawn_from(found, filtered(softmax(logits, 0.8), top_k=20, top_p=0.7))


def test_a_flat_distribution_keeps_its_rarest_tokens() -> None:
    logits = np.zeros(2000, np.float32)
    assert_drawn_from(draws(logits, 20_000), softmax(logits))
    assert_drawn_from(draws(logits, 20_000, top_p=0.5), filtered(softmax(logits), top_p=0.5))


def test_top_p_of_zero_is_the_likeliest() -> None:
    logits = row(700)
    assert set(draws(logits, 50, top_p=0.0)) == {int(logits.argmax())}


@pytest.mark.parametrize("vocabulary", [7, 5000, 49152])
@pytest.mark.parametrize("top_p", [0.0, 1e-12, 0.999999, 1 - 1e-12])
def test_extremes_of_top_p_are_no_trouble(vocabulary: int, top_p: float) -> None:
    for logits in (np.zeros(vocabulary, np.float32), row(vocabulary), row(vocabulary, spread=40)):
        found = draws(logits, 5, top_p=top_p)
        if top_p < 0.1:
            assert set(found) == {int(logits.argmax())}


@pytest.mark.parametrize("temperature", [0.0, 1e-9, 1e-4])
def test_a_cold_draw_is_the_likeliest(temperature: float) -> None:
    logits = row(700)
    assert set(draws(logits, 20, temperature=temperature)) == {int(logits.argmax())}


def test_the_same_seed_draws_the_same_whoever_else_is_drawn() -> None:
    sampler, logits = Sampler(500), np.stack([row(500, seed) for seed in range(6)])
    sampling = [
        Sampling(seed=7),
        Sampling(temperature=0),
        Sampling(seed=7, top_p=0.9),
        Sampling(),
        Sampling(top_k=3, seed=1),
    ]
    asked = [sequence(each) for each in [*sampling, Sampling(seed=7, temperature=1.3)]]
    together = [choice.token for choice in sampler.choose(logits, asked)]
    for line in (0, 1, 2, 4, 5):
        alone = Sampler(500).choose(logits[line : line + 1], [sequence(asked[line].sampling)])
        assert alone[0].token == together[line]


def test_a_seed_draws_anew_at_every_position() -> None:
    logits = np.zeros((1, 1000), np.float32)
    asked = sequence(Sampling(seed=5))
    found = []
    for _ in range(50):
        found.append(Sampler(1000).choose(logits, [asked])[0].token)
        asked.append(found[-1])
    assert len(set(found)) > 40


def test_without_a_seed_everybody_draws_otherwise() -> None:
    logits = np.zeros((1, 1000), np.float32)
    assert len({Sampler(1000).choose(logits, [sequence(Sampling())])[0].token for _ in range(50)}) > 40


def test_random_numbers_are_uniform_in_seed_and_position() -> None:
    for numbers in (
        [uniform(seed, 0) for seed in range(20_000)],
        [uniform(1, position) for position in range(20_000)],
        [uniform(-seed, seed) for seed in range(20_000)],
    ):
        assert_drawn_from([int(number * 100) for number in numbers], np.full(100, 0.01))
    pairs = itertools.pairwise(uniform(9, position) for position in range(20_001))
    assert_drawn_from([int(a * 10) * 10 + int(b * 10) for a, b in pairs], np.full(100, 0.01))


@given(seed=st.integers(-(2**70), 2**70), position=st.integers(0, 2**40))
def test_random_numbers_lie_below_one(seed: int, position: int) -> None:
    assert 0.0 <= uniform(seed, position) < 1.0


def chosen(logits: Floats, sampling: Sampling, prompt: tuple[int, ...] = (1,), said: tuple[int, ...] = ()) -> int:
    return Sampler(len(logits)).choose(logits[None].copy(), [sequence(sampling, prompt, said)])[0].token


def test_frequency_counts_and_presence_does_not() -> None:
    logits = np.array([0, 0, 5.0, 4.0, 3.5], np.float32)
    greedy: Callable[..., Sampling] = lambda **options: Sampling(temperature=0, **options)  # noqa: E731
    assert chosen(logits, greedy(frequency_penalty=0.4), said=(2, 2)) == 2
    assert chosen(logits, greedy(frequency_penalty=0.4), said=(2, 2, 2)) == 3
    assert chosen(logits, greedy(presence_penalty=0.9), said=(2, 2, 2)) == 2
    assert chosen(logits, greedy(presence_penalty=1.1), said=(2,)) == 3
    assert chosen(logits, greedy(presence_penalty=1.1), said=(2, 3)) == 2
    # What the prompt says is not held against anybody.
    assert chosen(logits, greedy(presence_penalty=2.0, frequency_penalty=2.0), prompt=(2, 2, 2)) == 2
    assert chosen(logits, greedy(frequency_penalty=-1.0), said=(4, 4)) == 4


def test_repetition_counts_the_prompt_in_and_makes_negative_logits_smaller() -> None:
    logits = np.array([-9, -9, 5.0, 4.0, -9], np.float32)
    assert chosen(logits, Sampling(temperature=0, repetition_penalty=1.2), prompt=(2,)) == 2
    assert chosen(logits, Sampling(temperature=0, repetition_penalty=1.3), prompt=(2,)) == 3
    negative = np.array([-9, -9, -2.0, -3.0, -9], np.float32)
    assert chosen(negative, Sampling(temperature=0, repetition_penalty=1.6), said=(2,)) == 3


def test_penalties_and_draws_go_together() -> None:
    logits = row(700)
    said = tuple(int(token) for token in np.argsort(-logits)[:3])
    changed = logits.copy()
    changed[list(said)] -= 1.5
    sampler = Sampler(700)
    found = [
        sampler.choose(logits[None], [sequence(Sampling(seed=seed, presence_penalty=1.5), said=said)])[0].token
        for seed in range(DRAWS)
    ]
    assert_drawn_from(found, softmax(changed))
    np.testing.assert_array_equal(logits, row(700))


def test_a_bias_forbids_forces_and_shifts() -> None:
    logits = np.array([0, 0, 5.0, 4.0, 3.5], np.float32)
    assert chosen(logits, Sampling(temperature=0, logit_bias={2: -100})) == 3
    assert chosen(logits, Sampling(temperature=0, logit_bias={0: 100, 4: 50})) == 0
    assert chosen(logits, Sampling(temperature=0, logit_bias={4: 1.4})) == 2
    shifted = logits + np.array([0, 0, -2, 0, 1.5], np.float32)
    assert_drawn_from(draws(logits, logit_bias={2: -2.0, 4: 1.5}), softmax(shifted))


def test_the_seeds_of_several_answers_differ_and_the_first_is_the_requests_own() -> None:
    seeds = {derived(seed, choice) for seed in range(50) for choice in range(128)}
    assert len(seeds) == 50 * 128
    assert derived(7, 0) == 7
    logits = np.zeros((1, 1000), np.float32)
    tokens = [
        Sampler(1000).choose(logits, [sequence(Sampling(seed=derived(7, choice)))])[0].token for choice in range(50)
    ]
    assert len(set(tokens)) > 40


def test_no_end_before_min_tokens() -> None:
    logits = np.array([9.0, 1, 2, 0], np.float32)
    patient = Sampling(temperature=0, min_tokens=2)
    assert [chosen(logits, patient, said=said) for said in ((), (2,), (2, 2))] == [2, 2, 0]
    assert 0 not in draws(logits, 200, min_tokens=1)


class Odd:
    """A grammar of odd tokens, of which each is exchanged for the next odd one, up to 7, where only 0 is left."""

    ended = False
    failure: str | None = None
    param = "odd"

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []

    def only(self) -> int | None:
        return 0 if self.taken and self.taken[-1][0] == 7 else None

    def restrict(self, row: Floats, /) -> None:
        row[::2] = -np.inf

    def advance(self, token: int, left: int, /) -> int:
        self.taken.append((token, left))
        return token + 2 if token < 7 else token


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_grammar_has_the_last_word(temperature: float) -> None:
    logits = np.array([[9, 1, 9, 8, 9, 2, 9, 0.5]], np.float32)
    asked = sequence(Sampling(temperature=temperature, max_tokens=10, logit_bias={3: -100}, seed=3, logprobs=1))
    asked.grammar = grammar = Odd()
    choice = Sampler(8).choose(logits, [asked])[0]
    ((chosen_token, left),) = grammar.taken
    assert chosen_token in {1, 5, 7}
    assert choice.token == (chosen_token + 2 if chosen_token < 7 else 7)
    assert left == 9
    assert choice.logprobs is not None
    assert choice.logprobs.logprob == pytest.approx(np.log(softmax(logits[0]))[choice.token], abs=1e-5)
    np.testing.assert_array_equal(logits[0], np.array([9, 1, 9, 8, 9, 2, 9, 0.5], np.float32))


def test_where_a_grammar_leaves_one_token_none_is_drawn() -> None:
    asked = sequence(Sampling(temperature=1.0, min_tokens=50))
    asked.grammar = grammar = Odd()
    grammar.taken.append((7, 0))
    assert Sampler(8).choose(np.zeros((1, 8), np.float32), [asked])[0].token == 2


def test_logprobs_are_the_models_own() -> None:
    logits = row(700)
    expected = np.log(softmax(logits))
    sampling = Sampling(temperature=0.3, presence_penalty=2.0, logprobs=5, seed=2)
    choice = Sampler(700).choose(logits[None].copy(), [sequence(sampling, said=(5,))])[0]
    assert choice.logprobs is not None
    assert choice.logprobs.logprob == pytest.approx(expected[choice.token], abs=1e-5)
    order = np.argsort(-logits)[:5].tolist()
    assert [token for token, _ in choice.logprobs.top] == order
    assert [value for _, value in choice.logprobs.top] == pytest.approx(expected[order], abs=1e-5)


@pytest.mark.parametrize(("count", "vocabulary"), [(0, 10), (10, 10), (20, 49152), (3, 257)])
def test_as_many_alternatives_as_were_asked_for(count: int, vocabulary: int) -> None:
    logits = row(vocabulary)
    choice = Sampler(vocabulary).choose(logits[None], [sequence(Sampling(temperature=0, logprobs=count))])[0]
    assert isinstance(choice.logprobs, Logprobs)
    assert [token for token, _ in choice.logprobs.top] == np.argsort(-logits, kind="stable")[:count].tolist()


@given(
    logits=st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=600),
    sampling=st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.01, 1.0, 2.0]),
        top_p=st.sampled_from([0.0, 0.3, 0.99, 0.9999999, 1.0]),
        top_k=st.sampled_from([0, 1, 5, 300, 1000]),
        min_p=st.sampled_from([0.0, 0.1, 1.0]),
        seed=st.integers(0, 1000),
    ),
)
def test_whatever_the_logits_a_token_of_weight_is_drawn(logits: list[float], sampling: Sampling) -> None:
    values = np.array(logits, np.float32)
    token = chosen(values, sampling)
    if sampling.temperature == 0.0 or sampling.top_k == 1:
        assert values[token] == values.max()
    else:
        assert (values[token] - values.max()) / sampling.temperature > -110
        weight = np.exp((float(values[token]) - float(values.max())) / sampling.temperature)
        assert weight >= sampling.min_p * 0.999
    if sampling.top_k:
        assert int((values > values[token]).sum()) < sampling.top_k
