"""Asks all cases, some at a time, and checks each answer as it comes."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from forebay.evaluation.asking import AskingError, Server
from forebay.evaluation.cases import Case
from forebay.evaluation.checks import Checker
from forebay.evaluation.results import Result


class Evaluation(msgspec.Struct, frozen=True):
    """Asks ``server``, ``at_once`` cases at a time, with ``fields`` in every body."""

    server: Server
    checker: Checker
    fields: Mapping[str, Any]
    at_once: int

    async def run(self, cases: Sequence[Case], done: Callable[[Result], None]) -> Sequence[Result]:
        """The results in the order of ``cases``; ``done`` is told of each as it ends."""
        places = asyncio.Semaphore(self.at_once)

        async def one(case: Case) -> Result:
            async with places:
                result = await self._result(case)
            done(result)
            return result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(case)) for case in cases]
        return [task.result() for task in tasks]

    async def _result(self, case: Case) -> Result:
        began = time.perf_counter()
        try:
            answer = await self.server.chat({**self.fields, **case.body()})
        except AskingError as error:
            return Result(case.id, passed=False, error=str(error), seconds=time.perf_counter() - began)
        seconds = time.perf_counter() - began
        outcomes = await self.checker.check(case, answer.text)
        passed = all(each.passed for each in outcomes)
        return Result(case.id, passed, answer.text, "", outcomes, seconds, answer.tokens, answer.cost, answer.prompt)
