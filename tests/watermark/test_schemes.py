"""What holds for every scheme: one answer however it is asked, the right share of green, and another key is another."""

import numpy as np
import pytest

from forebay.core.marks import SchemeName
from forebay.watermark.keyed import KeyedHash
from forebay.watermark.keyring import KeyRing, Parameters, WatermarkKeyError, scheme_of
from tests.watermark.samples import INTEGER, LISTS, SCHEMES, SECRET, VOCABULARY, clean, scheme

HARDLY = 4.5


@pytest.mark.parametrize("name", SCHEMES)
def test_it_answers_the_same_however_it_is_asked(name: SchemeName) -> None:
    chosen = scheme(name)
    tokens = np.array(clean(40, 3))
    contexts = np.lib.stride_tricks.sliding_window_view(tokens, chosen.width)[:-1]
    targets = tokens[chosen.width :]
    one_by_one = [chosen.is_green(tuple(c), t) for c, t in zip(contexts.tolist(), targets.tolist(), strict=True)]
    assert chosen.score(contexts, targets).tolist() == one_by_one
    context = tuple(contexts[0].tolist())
    assert chosen.green(context, targets).tolist() == [chosen.is_green(context, t) for t in targets.tolist()]


@pytest.mark.parametrize("gamma", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("name", LISTS)
def test_the_share_of_green_is_gamma(name: SchemeName, gamma: float) -> None:
    chosen = scheme(name, gamma=gamma)
    random = np.random.default_rng(1)
    count = 3000 if name in {"keyed", "kgw-lefthash"} else 600
    contexts, tokens = random.integers(0, VOCABULARY, (count, chosen.width)), random.integers(0, VOCABULARY, count)
    deviation = (chosen.score(contexts, tokens).mean() - gamma) * (count / gamma / (1 - gamma)) ** 0.5
    assert abs(deviation) < HARDLY


@pytest.mark.parametrize("name", SCHEMES)
def test_lists_of_two_keys_have_no_more_in_common_than_chance_gives(name: SchemeName) -> None:
    one, other = scheme(name, 1), scheme(name, 2)
    random = np.random.default_rng(1)
    contexts, tokens = random.integers(0, VOCABULARY, (800, one.width)), random.integers(0, VOCABULARY, 800)
    both = (one.score(contexts, tokens) & other.score(contexts, tokens)).mean()
    assert abs(both - 1 / 16) < HARDLY * (1 / 16 * 15 / 16 / 800) ** 0.5


def test_the_default_scheme_over_several_tokens_survives_a_change_of_most_of_them() -> None:
    chosen = scheme_of(SECRET, Parameters("keyed", 0.25, 4, 0))
    tokens = np.arange(VOCABULARY)
    changed = ((1, 8, 9, 10), (7, 1, 9, 10), (7, 8, 1, 10), (7, 8, 9, 1))
    same = [bool((chosen.green((7, 8, 9, 10), tokens) == chosen.green(context, tokens)).all()) for context in changed]
    assert sum(same) >= 2


def test_a_key_that_is_not_there_is_named() -> None:
    ring = KeyRing({"autumn": SECRET})
    with pytest.raises(WatermarkKeyError, match="no watermark key 'spring'; there are: autumn"):
        ring.scheme("spring", Parameters())


@pytest.mark.parametrize(("secret", "name"), [("hunter2", "keyed"), (SECRET, "kgw-lefthash"), ("00", "hf-selfhash")])
def test_a_secret_that_does_not_suit_is_refused_and_not_shown(secret: str, name: SchemeName) -> None:
    with pytest.raises(WatermarkKeyError) as refused:
        KeyRing({"autumn": secret}).scheme("autumn", Parameters(name))
    assert "'autumn'" in str(refused.value)
    assert secret not in str(refused.value)


def test_an_integer_suits_the_schemes_of_others() -> None:
    assert KeyRing({"public": INTEGER}).scheme("public", Parameters("kgw-lefthash", vocabulary=100)).gamma == 0.25


def test_a_whole_vocabulary_is_mixed_as_its_tokens_are() -> None:
    chosen = KeyedHash(SECRET, gamma=0.3)
    mixer, tokens = chosen.mixer(VOCABULARY), np.arange(VOCABULARY)
    for context in range(20):
        green = mixer.numbers(chosen.seed((context,))) < np.uint32(chosen.bound)
        assert (green == chosen.green((context,), tokens)).all()
