"""Plug-ins by their kind: what somebody is told who names one that is not there."""

import pytest

from forebay.plugins import PROVIDERS, STRATEGIES, UnknownKindError


@pytest.mark.parametrize(("kind", "meant"), [("opnai", "openai"), ("Anthropic", "anthropic"), ("litelm", "litellm")])
def test_the_nearest_kind_is_named(kind: str, meant: str) -> None:
    with pytest.raises(UnknownKindError, match=f"unknown provider kind '{kind}'; did you mean '{meant}'"):
        PROVIDERS.plugin(kind)


def test_the_nearest_strategy_is_named() -> None:
    with pytest.raises(UnknownKindError, match="did you mean 'least-busy'"):
        STRATEGIES.plugin("least_busy")


def test_all_kinds_are_named_if_none_is_near() -> None:
    with pytest.raises(UnknownKindError) as caught:
        PROVIDERS.plugin("#")
    for kind in PROVIDERS.installed():
        assert kind in str(caught.value)


def test_a_kind_is_shown_on_one_line() -> None:
    with pytest.raises(UnknownKindError, match=r"'x\?y'"):
        PROVIDERS.plugin("x\ny")
