"""Carries out a plan: asks whether, agrees how, warms up, and drives the load at one server or at two in turns."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final

import msgspec

from forebay.cli.bench.bodies import Fields, Form, asked
from forebay.cli.bench.dataset import read_dataset
from forebay.cli.bench.drive import Body, Drive, Run, stopped_by_ctrl_c
from forebay.cli.bench.failures import BenchError
from forebay.cli.bench.plan import Asked, Found, Plan, Side
from forebay.cli.bench.probe import agreed, counted_words
from forebay.cli.bench.schedule import Load
from forebay.cli.bench.statistics import Distribution, Ratio
from forebay.cli.bench.summary import Summary, summary
from forebay.cli.bench.synthetic import Synthetic, Words
from forebay.cli.bench.target import Target

RATIOS: Final[dict[str, Callable[[Summary], float | None]]] = {
    "requests/s": lambda found: found.requests_per_second,
    "output tokens/s": lambda found: found.output_tokens_per_second,
    "TTFT p50": lambda found: _middle(found.ttft),
    "TPOT p50": lambda found: _middle(found.tpot),
    "latency p50": lambda found: _middle(found.latency),
}
"""What is compared, turn by turn."""

Show = Callable[[Drive, str], AbstractContextManager[None]]
"""Shows how far a load is while the context lasts."""


class _Ready(msgspec.Struct, frozen=True):
    """A server that is asked in an agreed way."""

    target: Target
    form: Form
    questions: Callable[[str], Callable[[int], Fields]]
    notes: list[str]

    def body(self, seed: str) -> Body:
        """The bodies of one turn, which are others than those of another ``seed``."""
        question = self.questions(seed)
        return lambda number: self.form.body(question(number))


async def measure(plan: Plan, show: Show) -> Found:
    """Measure.

    Raises:
        BenchError: a server does not answer at all, or something asked for cannot be.
    """
    async with contextlib.AsyncExitStack() as stack:
        ready = [await stack.enter_async_context(_ready(plan, each)) for each in plan.servers]
        runs: list[list[Run]] = [[] for _ in ready]
        stopped = await _turns(plan, ready, runs, show)
    sides = tuple(_side(plan, *each) for each in zip(plan.names, ready, runs, strict=False))
    return Found(sides, _ratios(sides), stopped)


async def _turns(plan: Plan, ready: Sequence[_Ready], runs: Sequence[list[Run]], show: Show) -> bool:
    """Drive all turns; whether somebody stopped them."""
    for turn in range(plan.turns):
        for one, done, name in zip(ready, runs, plan.names, strict=False):
            seed = f"{turn}" if plan.again else f"{turn}/{name}"
            if turn == 0 and plan.warm_up:
                load = Load(min(plan.load.concurrency, plan.warm_up), requests=plan.warm_up)
                if (await _driven(one, load, f"{seed}/warm-up", show)).stopped:
                    return True
            run = await _driven(one, msgspec.structs.replace(plan.load, seed=f"{plan.load.seed}/{turn}"), seed, show)
            done.append(run)
            if run.stopped or run.gone:
                return run.stopped
    return False


async def _driven(one: _Ready, load: Load, seed: str, show: Show) -> Run:
    drive = Drive(one.target, load, one.body(seed))
    async with stopped_by_ctrl_c(drive.stop):
        with show(drive, one.target.url):
            return await drive.run()


@contextlib.asynccontextmanager
async def _ready(plan: Plan, one: Asked) -> AsyncIterator[_Ready]:
    target = Target(one.server, plan.operation, streamed=plan.streamed)
    try:
        form = Form(
            one.model or await target.model(),
            plan.operation,
            target.streamed,
            plan.prompts.output_tokens,
            exactly=plan.prompts.output_tokens is not None,
        )
        yield await (_from_dataset if plan.prompts.dataset else _synthetic)(plan, target, form)
    finally:
        await target.aclose()


async def _from_dataset(plan: Plan, target: Target, form: Form) -> _Ready:
    assert plan.prompts.dataset is not None  # noqa: S101  # the caller has looked
    questions = read_dataset(plan.prompts.dataset, plan.operation)
    form, notes = await agreed(target, form, questions[0])
    return _Ready(target, form, lambda _: lambda number: questions[number % len(questions)], notes)


async def _synthetic(plan: Plan, target: Target, form: Form) -> _Ready:
    form, notes = await agreed(target, form, asked(plan.operation, "Hello."))
    words, more = await counted_words(target, form)
    _prompts(plan, words, "")  # so that what cannot be is said before anything is measured

    def questions(seed: str) -> Callable[[int], Fields]:
        prompts = _prompts(plan, words, seed)
        return lambda number: asked(plan.operation, prompts.text(number))

    return _Ready(target, form, questions, notes + more)


def _prompts(plan: Plan, words: Words, seed: str) -> Synthetic:
    try:
        return Synthetic(words, plan.prompts.input_tokens, plan.prompts.prefix_tokens, plan.load.seed, seed)
    except ValueError as error:
        raise BenchError(f"--input-tokens {plan.prompts.input_tokens}: {error}") from None


def _side(plan: Plan, name: str, one: _Ready, runs: Sequence[Run]) -> Side:
    open_loop = plan.load.rate is not None
    whole = summary(runs, plan.slo, open_loop=open_loop)
    turns = tuple(summary([run], plan.slo, open_loop=open_loop) for run in runs)
    gone = ["The server is gone: nothing was measured after that."] if any(run.gone for run in runs) else []
    notes = (*one.notes, *_kept(plan, whole), *gone)
    return Side(name, one.target.url, one.form, whole, turns, tuple(runs), notes)


def _kept(plan: Plan, whole: Summary) -> list[str]:
    """Where the lengths of prompts or answers are not those that were asked for, and how they were counted."""
    notes = []
    wanted, got = plan.prompts.output_tokens, whole.output
    if wanted is not None and got is not None and (got.least, got.most) != (wanted, wanted):
        notes.append(f"Answers of {wanted} tokens were asked for; they had {got.least} to {got.most}.")
    wanted, given = plan.prompts.input_tokens, whole.input
    if plan.prompts.dataset is None and given is not None and (given.least, given.most) != (wanted, wanted):
        notes.append(f"Prompts of {wanted} tokens were asked for; the server counted {given.least} to {given.most}.")
    if chunks := whole.counted.get("chunks"):
        notes.append(f"Of {chunks} answers the server gave no usage: their pieces were counted as tokens.")
    if plan.operation != "embeddings" and (unknown := whole.counted.get("nothing")):
        notes.append(f"Of {unknown} answers nobody knows how many tokens they had.")
    return notes


def _ratios(sides: Sequence[Side]) -> dict[str, Ratio | None]:
    if len(sides) < 2:  # noqa: PLR2004  # one has nothing to be compared with
        return {}
    turns = list(zip(sides[0].turns, sides[1].turns, strict=False))
    return {name: _ratio([(of(a), of(b)) for a, b in turns]) for name, of in RATIOS.items()}


def _ratio(pairs: Sequence[tuple[float | None, float | None]]) -> Ratio | None:
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(known) < max(2, len(pairs)):
        return None
    first, second = zip(*known, strict=True)
    return Ratio.of(first, second)


def _middle(found: Distribution | None) -> float | None:
    return None if found is None else found.p50
