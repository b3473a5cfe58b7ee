"""Grounding: sentences that are near to none of the documents', and numbers that stand in none."""

import msgspec

from forebay.core.verdicts import PASSED, Action
from forebay.guards.validators.meaning.grounding import GroundingSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.meaning import Models

DOCUMENTS = ("The lamp costs 1,200 euros. It was built in Ghent.", "Delivery takes four days.")
CONTEXT = msgspec.structs.replace(OUTPUT, documents=DOCUMENTS)
GUARD = plugin.build(GroundingSettings(), Models().tools)


async def test_passes_what_the_documents_say() -> None:
    verdict = await GUARD.check("The lamp costs 1200 euros. Delivery takes four days.", CONTEXT)
    assert verdict.action is Action.PASS


async def test_masks_what_they_do_not() -> None:
    text = "The lamp costs 1300 euros. It was built in Ghent. Napoleon owned one!"
    spans = (await GUARD.check(text, CONTEXT)).spans
    assert [text[span.start : span.end] for span in spans] == ["The lamp costs 1300 euros.", "Napoleon owned one!"]


async def test_passes_without_documents() -> None:
    assert await GUARD.check("Napoleon owned one!", OUTPUT) == PASSED
