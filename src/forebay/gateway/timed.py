"""Notes when a stage worked on a call, for its story."""

import time

from forebay.core.ports import Handler, Stage
from forebay.core.story import Step
from forebay.core.types import Call, Reply


class Timed:
    """``stage``, whose times are noted under ``name``."""

    def __init__(self, name: str, stage: Stage) -> None:
        self._name = name
        self._stage = stage

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call`` as the stage does."""
        trace = call.trace
        accepted = trace.accepted
        step = Step(self._name, time.perf_counter() - accepted)
        trace.story.steps += (step,)

        async def asked(call: Call) -> Reply:
            if not step.asked:
                step.asked = time.perf_counter() - accepted
            try:
                return await ask(call)
            finally:
                step.answered = time.perf_counter() - accepted

        try:
            return await self._stage(call, asked)
        finally:
            step.ended = time.perf_counter() - accepted
