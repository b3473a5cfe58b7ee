"""What a text is examined for: which key goes with which scheme, and what is said where none does."""

import pytest

from forebay.core.errors import InvalidRequestError
from forebay.core.marks import SchemeName, Tokens
from forebay.settings import WatermarkSettings
from forebay.watermark.keyring import KeyRing
from forebay.watermark.marks import Examiner, Question

RING = KeyRing({"ours": "a secret of 16 characters or more", "public": "15485863"})
TOKENS = Tokens([*range(100)], ["x"] * 100, 1000)
Pairs = set[tuple[str, str]]


def pairs_of(keys: tuple[str, ...] | None, schemes: tuple[SchemeName, ...] | None) -> Pairs:
    examiner = Examiner(RING, {"engine": WatermarkSettings("ours")})
    report = examiner.examine(TOKENS, "engine", Question(keys, schemes))
    return {(each.key, each.scheme) for each in report.findings if each.key}


@pytest.mark.parametrize(
    ("keys", "schemes", "pairs"),
    [
        (None, None, {("ours", "keyed")}),
        (None, ("kgw-lefthash",), {("public", "kgw-lefthash")}),
        (("ours",), None, {("ours", "keyed")}),
        (("ours", "public"), ("keyed", "kgw-lefthash"), {("ours", "keyed"), ("public", "kgw-lefthash")}),
        (
            ("public", "ours"),
            ("gumbel", "hf-selfhash", "keyed"),
            {("ours", "gumbel"), ("ours", "keyed"), ("public", "hf-selfhash")},
        ),
    ],
)
def test_each_key_goes_with_the_schemes_of_its_kind(
    keys: tuple[str, ...] | None, schemes: tuple[SchemeName, ...] | None, pairs: Pairs
) -> None:
    assert pairs_of(keys, schemes) == pairs


@pytest.mark.parametrize(
    ("keys", "schemes", "param", "said"),
    [
        (("winter",), None, "keys", "There is no watermark key 'winter'"),
        (("ours", "winter"), ("keyed",), "keys", "There is no watermark key 'winter'"),
        (("public",), None, "keys", "'public' suits none of the schemes"),
        (("ours", "public"), ("keyed",), "keys", "'public' suits none"),
        (("ours",), ("keyed", "kgw-lefthash"), "schemes", "None of the keys suits 'kgw-lefthash'"),
    ],
)
def test_what_is_named_is_not_left_out(
    keys: tuple[str, ...], schemes: tuple[SchemeName, ...] | None, param: str, said: str
) -> None:
    with pytest.raises(InvalidRequestError, match=said) as caught:
        pairs_of(keys, schemes)
    assert caught.value.param == param


def test_a_ring_without_a_key_for_the_scheme_is_told() -> None:
    examiner = Examiner(KeyRing({"public": "15485863"}), {})
    with pytest.raises(InvalidRequestError, match="No key on the ring suits"):
        examiner.examine(TOKENS, "engine", Question())
