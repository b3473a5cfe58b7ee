"""Topics: one example that is near decides; the examples are embedded once."""

import pytest

from forebay.core.verdicts import Action
from forebay.guards.validators.meaning.topics import TopicsSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.meaning import Models

DENIED = {"politics": ("Which party should I vote for?", "the next election"), "medicine": ("dose of a drug",)}


async def test_blocks_what_is_about_a_denied_topic() -> None:
    models = Models()
    guard = plugin.build(TopicsSettings(denied=DENIED), models.tools)
    verdict = await guard.check("Hello there. Tell me which party should I vote for!", OUTPUT)
    assert (verdict.action, verdict.reason) == (Action.BLOCK, "it is about 'politics'")
    assert (await guard.check("My lamp is broken. \ud800", OUTPUT)).action is Action.PASS
    assert (await guard.check("", OUTPUT)).action is Action.PASS
    examples = [body["input"] for _, body in models.asked if "dose of a drug" in body["input"]]
    assert len(examples) == 1


async def test_blocks_what_is_about_no_allowed_topic() -> None:
    guard = plugin.build(TopicsSettings(allowed={"lamps": ("my lamp is broken",)}), Models().tools)
    assert (await guard.check("Hi! My lamp is broken again.", OUTPUT)).action is Action.PASS
    assert (await guard.check("Who wins the cup?", OUTPUT)).action is Action.BLOCK


async def test_does_not_judge_half_of_a_text() -> None:
    guard = plugin.build(TopicsSettings(denied=DENIED), Models().tools)
    assert (await guard.check("A word. " * 201, OUTPUT)).action is Action.BLOCK


def test_refuses_settings_without_topics() -> None:
    with pytest.raises(ValueError, match="give topics"):
        TopicsSettings()
