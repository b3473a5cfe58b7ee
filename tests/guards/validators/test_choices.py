"""Choices: one of them, and nothing besides."""

import pytest

from forebay.core.verdicts import Action
from forebay.guards.validators.choices import ChoicesSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.guarding import TOOLS


@pytest.mark.parametrize(
    ("text", "exact", "folded"),
    [
        ("yes", True, True),
        (" yes\n", True, True),
        ("YES", False, True),
        ("Straße", False, True),
        ("yes!", False, False),
        ("", False, False),
        ("\ud800", False, False),
        ("yes" * 100, False, False),
    ],
)
async def test_passes_what_is_one(text: str, exact: bool, folded: bool) -> None:  # noqa: FBT001
    for ignore_case, expected in ((False, exact), (True, folded)):
        guard = plugin.build(ChoicesSettings(("yes", "no", "STRASSE"), ignore_case), TOOLS)
        verdict = await guard.check(text, OUTPUT)
        assert (verdict.action is Action.PASS) is expected
        assert expected or verdict.reason == "it is none of: yes, no, STRASSE"
