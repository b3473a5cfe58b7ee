"""Names and places, by the real Presidio."""

import pytest

from tests.support.growing import OUTPUT, found
from tests.support.guarding import TOOLS

pytestmark = [pytest.mark.guardrails, pytest.mark.needs("presidio"), pytest.mark.filterwarnings("ignore")]


async def test_finds_names_and_places() -> None:
    from forebay.guards.validators.presidio import PresidioSettings, plugin  # noqa: PLC0415  # may be missing

    guard = plugin.build(PresidioSettings(), TOOLS)
    text = "My name is Barbara Miller and I live in Chicago."
    assert await found(guard, text) == [("person", "Barbara Miller"), ("location", "Chicago")]
    assert (await guard.check("\ud800", OUTPUT)).spans == ()
