"""Texts to test a watermark with: tokens drawn from a distribution of language's shape, with a mark or without."""

import numpy as np

from forebay.core.marks import SchemeName, Strength
from forebay.watermark.keyring import Parameters, scheme_of
from forebay.watermark.marking import marker
from forebay.watermark.scheme import Scheme

VOCABULARY = 2000
SECRET = "a secret of some length"
INTEGER = "15485863"
SCHEMES: tuple[SchemeName, ...] = ("keyed", "kgw-lefthash", "kgw-selfhash", "hf-selfhash", "gumbel")
LIKELY = 40
LISTS: tuple[SchemeName, ...] = ("keyed", "kgw-lefthash", "kgw-selfhash", "hf-selfhash")


def secret_of(name: SchemeName, number: int = 0) -> str:
    """The secret ``number`` of a kind that the scheme takes."""
    return f"{SECRET} {number}" if name in {"keyed", "gumbel"} else str(int(INTEGER) + 2 * number)


def scheme(name: SchemeName, number: int = 0, gamma: float = 0.25) -> Scheme:
    """The scheme with the key ``number``."""
    return scheme_of(secret_of(name, number), Parameters(name, gamma, None, VOCABULARY))


def clean(length: int, seed: int = 0, vocabulary: int = VOCABULARY) -> list[int]:
    """Tokens by Zipf's law, without a mark."""
    weights = 1 / np.arange(1, vocabulary + 1)
    found: list[int] = np.random.default_rng(seed).choice(vocabulary, length, p=weights / weights.sum()).tolist()
    return found


def marked(chosen: Scheme, length: int, seed: int = 0, *, delta: float = 2.0, strength: Strength = "soft") -> list[int]:
    """Tokens drawn with a mark, each out of a few likely ones."""
    random = np.random.default_rng(seed)
    own = marker(chosen, delta=delta, strength=strength)
    tokens: list[int] = []
    while len(tokens) < length:
        candidates = random.choice(VOCABULARY, LIKELY, replace=False)
        weights = (1 / np.arange(1, LIKELY + 1)).astype(np.float32)
        bias = own.bias(tokens[len(tokens) - own.width :]) if len(tokens) >= own.width else None
        if bias is not None:
            bias.weigh(candidates, weights)
        tokens.append(int(candidates[random.choice(LIKELY, p=weights / weights.sum())]))
    return tokens
