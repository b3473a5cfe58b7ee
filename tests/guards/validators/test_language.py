"""Languages: told apart where there is enough text, and only then."""

import pytest

from forebay.core.verdicts import Action
from forebay.guards.validators.language import LanguageSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.guarding import TOOLS

GUARD = plugin.build(LanguageSettings(("en", "de")), TOOLS)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("The weather is nice today, is it not?", Action.PASS),
        ("Das Wetter ist heute schön,\nnicht wahr?", Action.PASS),
        ("Le temps est magnifique aujourd'hui, n'est-ce pas ?", Action.BLOCK),
        ("Сегодня прекрасная погода, не правда ли?", Action.BLOCK),
        ("今日はとても良い天気ですね。散歩に行きましょうか。", Action.BLOCK),
        ("Bonjour", Action.PASS),
        ("12345 67890 + 42 = ?", Action.PASS),
        ("", Action.PASS),
        ("\ud800" * 50, Action.PASS),
    ],
)
async def test_judges(text: str, action: Action) -> None:
    assert (await GUARD.check(text, OUTPUT)).action is action


async def test_names_the_language() -> None:
    assert (await GUARD.check("Il fait très beau aujourd'hui à Paris.", OUTPUT)).reason == "it is written in 'fr'"


async def test_more_than_the_beginning_decides() -> None:
    text = "This is how the letter begins, and it goes on in another language. " + "Il fait très beau à Paris. " * 20
    assert (await GUARD.check(text, OUTPUT)).reason == "it is written in 'fr'"
