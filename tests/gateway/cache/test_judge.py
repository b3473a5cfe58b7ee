"""A judge of semantic hits: it has the last word, and what it does not affirm in time is a miss."""

import asyncio

import msgspec
import pytest

from forebay.core.errors import UnavailableError
from forebay.core.types import Deployment
from forebay.gateway.target import Model, Target
from forebay.settings import SemanticJudgeSettings, SemanticSettings, section
from tests.support.cached import SEMANTIC, Site, completion
from tests.support.scripted import Scripted
from tests.support.similar import SameWords

ASKED, AGAIN = "where is the forebay", "where the forebay is"


class Bench:
    """A site whose model is ``m`` and whose judge is ``j``; one semantic hit is there to be judged."""

    def __init__(self, judge: SemanticJudgeSettings) -> None:
        self.answers, self.judge = Scripted([completion()]), Scripted([completion("YES")])
        models = {
            "m": Model("m", (Target(Deployment("p/x", "p", "x"), self.answers),), cache="semantic"),
            "j": Model("j", (Target(Deployment("q/y", "q", "y"), self.judge),)),
        }
        semantic = SemanticSettings(section("local", {}), judge=judge)
        settings = msgspec.structs.replace(SEMANTIC, semantic=semantic)
        self.site = Site([], settings, similar=SameWords(), models=models)
        self.counts = self.site.keeper.counts

    async def ask(self, text: str, user: str = "") -> str:
        label, _ = await self.site.fetch(messages=[{"role": "user", "content": text}], user=user)
        return label

    async def second(self) -> str:
        """What becomes of another wording of a question that was answered."""
        assert await self.ask(ASKED) == "MISS"
        await self.site.settle()
        return await self.ask(AGAIN)


@pytest.mark.parametrize(
    ("said", "label"),
    [("YES", "SEMANTIC-HIT"), ("<think>no?</think> Yes.", "SEMANTIC-HIT"), ("No", "MISS"), ("I think YES", "MISS")],
)
async def test_the_judge_has_the_last_word(said: str, label: str) -> None:
    bench = Bench(SemanticJudgeSettings("j"))
    bench.judge.script = [completion(said)]
    assert await bench.second() == label
    ((call, _),) = bench.judge.calls
    assert (call.principal.tenant, call.trace.cache) == ("forebay", "judge")
    assert ASKED.encode() in call.request.body
    assert AGAIN.encode() in call.request.body
    failed = said.startswith("I")
    assert (bench.counts.judged, bench.counts.judge_failures) == (not failed, failed)


async def test_what_was_asked_in_the_same_words_is_not_judged() -> None:
    bench = Bench(SemanticJudgeSettings("j"))
    await bench.ask(ASKED)
    await bench.site.settle()
    assert await bench.ask(ASKED) == "HIT"
    assert bench.judge.calls == []


@pytest.mark.parametrize("script", [[UnavailableError("Down.")], [b"{}"], [b'{"choices": []}'], [b"nonsense"]])
async def test_a_judge_that_fails_is_a_miss_and_is_said_once(
    script: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(SemanticJudgeSettings("j"))
    bench.judge.script = list(script)
    assert await bench.second() == "MISS"
    assert await bench.ask("the forebay is where") == "MISS"
    assert bench.counts.judge_failures == 2
    assert caplog.text.count("gives no judgement") == 1


async def test_a_model_that_is_not_there_is_a_judge_that_fails() -> None:
    bench = Bench(SemanticJudgeSettings("nobody"))
    assert await bench.second() == "MISS"


async def test_a_late_judge_is_a_miss_and_too_many_questions_do_not_wait() -> None:
    bench = Bench(SemanticJudgeSettings("j", timeout=0.05, at_once=1))
    assert await bench.ask(ASKED) == "MISS"
    await bench.site.settle()
    gate = asyncio.Event()

    async def never(*_: object) -> object:
        await gate.wait()
        return None

    bench.judge.answer = never  # type: ignore[method-assign, assignment]
    asked = (AGAIN, "is where the forebay", "the forebay is where")
    assert await asyncio.gather(*(bench.ask(each) for each in asked)) == ["MISS"] * 3
    assert bench.counts.judge_failures == 3
