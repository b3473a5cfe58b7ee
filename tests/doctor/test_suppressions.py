"""A false alarm is explained with a reason and an end, and told again after it."""

import datetime as dt
from pathlib import Path

import pytest

from forebay.doctor.rule import Finding
from forebay.doctor.suppressions import Suppression, SuppressionError, applied, read

TODAY = dt.date(2026, 11, 23)
FOUND = Finding("FB203", "warning", "auth.keys[1]", 3, "it", "do")


def suppression(rule: str = "FB203", at: str = "*", days: int = 0) -> Suppression:
    return Suppression(rule, "We know and have decided so.", TODAY + dt.timedelta(days=days), at)


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        ([], ["FB203"]),
        ([suppression()], []),
        ([suppression(at="auth.keys[1]")], []),
        ([suppression(at="auth.*", days=9)], []),
        ([suppression(at="auth.keys[2]")], ["FB203", "FB902"]),
        ([suppression(days=-1)], ["FB203", "FB901"]),
        ([suppression("FB101")], ["FB203", "FB902"]),
    ],
)
def test_what_is_explained_is_not_told_until_it_ends(given: list[Suppression], rules: list[str]) -> None:
    assert [each.rule for each in applied([FOUND], given, TODAY)] == rules


def test_a_file_says_which(tmp_path: Path) -> None:
    path = tmp_path / ".forebay-doctor.yaml"
    assert read(path) == ()
    path.write_text("suppress: [{rule: FB203, reason: We have decided so., until: 2026-12-31, at: 'auth.*'}]\n")
    assert read(path) == (Suppression("FB203", "We have decided so.", dt.date(2026, 12, 31), "auth.*"),)
    path.write_text("")
    assert read(path) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("suppress: [{rule: FB203, until: 2026-12-31}]", "reason"),
        ("suppress: [{rule: FB203, reason: short, until: 2026-12-31}]", "length"),
        ("suppress: [{rule: FB203, reason: We have decided so.}]", "until"),
        ("suppress: [{rule: X1, reason: We have decided so., until: 2026-12-31}]", "FB"),
        ("supress: []", "supress"),
        ("[", "line"),
    ],
)
def test_without_a_reason_or_an_end_it_is_none(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(SuppressionError, match=told):
        read(path)
