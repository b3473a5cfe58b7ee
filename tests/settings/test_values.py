"""Sizes, durations and secrets."""

import copy
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forebay.settings import Secret
from forebay.settings.values import duration, size


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0B", 0),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("20MiB", 20 * 1024**2),
        ("20 MiB", 20 * 1024**2),
        ("1.5GiB", 1536 * 1024**2),
        ("0.3B", 0),
        ("2TB", 2 * 10**12),
        ("2TiB", 2 * 1024**4),
        ("", None),
        ("20", None),
        ("20 m", None),
        ("20mib", None),
        ("1iB", None),
        ("kiB", None),
        ("-1MB", None),
        ("1e3B", None),
        ("1MB\n", None),
        ("٣MB", None),
    ],
)
def test_sizes(text: str, value: int | None) -> None:
    assert size(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0s", 0.0),
        ("30s", 30.0),
        ("500ms", 0.5),
        ("1.5m", 90.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("1d", 86400.0),
        ("", None),
        ("30", None),
        ("s", None),
        ("1 s", None),
        ("-1s", None),
        ("1h30", None),
        ("1.s", None),
        ("٣s", None),
    ],
)
def test_durations(text: str, value: float | None) -> None:
    assert duration(text) == value


@given(st.text(alphabet="0123456789. msmhdkMGTiB"))
@hypothesis_settings(deadline=None)
def test_any_text_has_a_unit_or_not(text: str) -> None:
    for found in (size(text), duration(text)):
        assert found is None or found >= 0


def test_a_secret_is_told_by_reveal_only() -> None:
    secret = Secret("hush")
    assert secret.reveal() == "hush"
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!s:>20}", repr([secret])):
        assert "hush" not in shown
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)


def test_secrets_are_compared_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("ä") != Secret("a")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert copy.copy(Secret("a")) == pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")
