"""Asks the targets of one model until one answers: in the strategy's order, then once more after a pause.

Nothing of this happens after the first content has left: a provider answers only once its first event is there.
"""

import asyncio
import time
from collections.abc import Sequence
from operator import itemgetter
from random import Random

from forebay.core.errors import (
    ForebayError,
    InvalidRequestError,
    UnavailableError,
    UnsupportedParameterError,
    UpstreamTimeoutError,
)
from forebay.core.marking import Marking
from forebay.core.story import Choice
from forebay.core.types import Call, Reply
from forebay.gateway.attempt import attempt, within
from forebay.gateway.cooldown import COUNTED, recovers_in, why_out
from forebay.gateway.hedge import hedged
from forebay.gateway.retry import pause
from forebay.gateway.target import Model, Target

# Of how many orders the trace keeps the reasons.
REMEMBERED = 8


async def answer(call: Call, model: Model, random: Random, reason: str, deadline: float) -> Reply:
    """The answer of one of ``model``'s targets; ``deadline`` (``perf_counter`` seconds) holds for all of it.

    Raises:
        InvalidRequestError: no target can do what is asked.
        UnavailableError: all of them cool down.
        ForebayError: what the last of them raised.
    """
    able = _able(call, model)
    turn = 0
    while True:
        try:
            return await _round(call, model, arranged(call, model, able, random), reason, deadline)
        except COUNTED as error:
            turn += 1
            seconds = pause(error, turn, model.retries, random)
            if seconds is None or time.perf_counter() + seconds >= deadline:
                raise
        await asyncio.sleep(seconds)
        reason = "retry"


async def _round(call: Call, model: Model, order: Sequence[Target], reason: str, deadline: float) -> Reply:
    """Each target of ``order`` once."""
    if model.hedge is not None and len(order) > 1:
        return await hedged(call, model, order, reason, deadline)
    failure: ForebayError | None = None
    try:
        for target in order:
            bounded = target
            if reason != "first":
                if time.perf_counter() >= deadline:
                    break
                if failure is not None and target.live.out and why_out(target.live):
                    continue
                bounded = within(target, deadline)
            try:
                return await attempt(bounded, call, model, reason)
            except COUNTED as error:
                failure = error
                reason = "next"
        raise failure or UpstreamTimeoutError("The request's total time-out passed before any deployment answered.")
    finally:
        del failure  # its traceback leads here: both would stay, and the reply with them, until memory is swept


def arranged(call: Call, model: Model, able: Sequence[Target], random: Random) -> Sequence[Target]:
    """Those of the targets that may be asked now, best first; the trace gets to know why.

    Raises:
        UnavailableError: there are none.
    """
    ready = able
    left_out: tuple[tuple[str, str], ...] = ()
    if not model.alone:
        for target in able:
            if target.live.out:
                ready, left_out = _without_those_out(able)
                break
    if len(ready) > 1 and model.strategy is not None:
        scores = model.strategy.score(call, ready)
        ranked = sorted(
            [(score, random.random(), target) for score, target in zip(scores, ready, strict=True)], key=KEY
        )
        _explain(call, Choice(model.name, tuple([(t.deployment.name, s) for s, _, t in ranked]), left_out))
        return [target for _, _, target in ranked]
    if left_out:
        _explain(call, Choice(model.name, (), left_out))
        if not ready:
            raise _nobody(model, able)
    return ready


KEY = itemgetter(0, 1)


def _able(call: Call, model: Model) -> Sequence[Target]:
    operation = call.request.operation
    able = [target for target in model.targets if operation in target.provider.operations]
    if not able:
        raise InvalidRequestError(f"The model '{model.name}' does not answer /v1/{operation.value}.", param="model")
    return _marking(able, model) if call.request.watermark else able


def _marking(able: Sequence[Target], model: Model) -> Sequence[Target]:
    """Those that can mark what they generate: an answer without the mark that was asked for is none."""
    found = [each for each in able if isinstance(each.provider, Marking) and each.provider.marks]
    if not found:
        raise UnsupportedParameterError(
            f"The answers of '{model.name}' cannot have a watermark: only models of the embedded engine have one, if "
            "their provider has 'watermark' configured. Name such a model, or leave out 'watermark', unless it is the "
            "API key that wants it.",
            param="watermark",
        )
    return found


def _without_those_out(able: Sequence[Target]) -> tuple[list[Target], tuple[tuple[str, str], ...]]:
    reasons = [why_out(target.live) if target.live.out else "" for target in able]
    ready = [target for target, why in zip(able, reasons, strict=True) if not why]
    return ready, tuple([(target.deployment.name, why) for target, why in zip(able, reasons, strict=True) if why])


def _nobody(model: Model, able: Sequence[Target]) -> UnavailableError:
    seconds = max(1, round(min(recovers_in(target.live) for target in able)))
    return UnavailableError(
        f"No deployment of the model '{model.name}' can be asked now: all of them have failed of late.",
        headers={"retry-after": str(seconds)},
    )


def _explain(call: Call, choice: Choice) -> None:
    trace = call.trace
    if len(trace.choices) < REMEMBERED:
        trace.choices += (choice,)
