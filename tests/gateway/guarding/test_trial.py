"""A text tried on guards is judged once by each: what is told is what follows."""

from forebay.core.types import Principal
from forebay.core.verdicts import Side
from forebay.gateway.guarding.trial import Trial
from forebay.guarding import Toolbox, policies
from tests.support.guards import Words, guarded


async def test_every_guard_is_asked_once() -> None:
    found = policies(guarded("guards: {w: {kind: Words, words: [secret]}}"), Toolbox())
    trial, alice = Trial(found), Principal("alice")
    (rule,) = rules = trial.rules(alice)
    assert isinstance(rule.guard, Words)
    tried = await trial.tried(alice, rules, "a secret", Side.OUTPUT)
    assert tried.text == "a [WORD]"
    assert [text for text, _ in rule.guard.seen] == ["a secret"]
