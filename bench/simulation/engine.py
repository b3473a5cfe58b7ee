"""One engine: continuous batching step by step, as `forebay.engine.scheduler` does it, without computing anything.

A step takes what decoding so many sequences takes and, for each token of a prompt in it, the time of one more. Steps
that are all alike are taken at one go, until a sequence ends or a request comes, which changes nothing but the cost:
each event falls on the end of the step on which it would fall.

Left out: that a step takes longer as contexts grow; preemption (a request is admitted when prompt and answer fit).
"""

import math
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

import simpy

from bench.simulation.measured import EngineFigures
from bench.simulation.prefixes import Prefixes


class Job:
    """A request: tokens of the whole prompt, earlier turns included, and of the answer. ``done`` is called at its end.

    Times are seconds of the simulation.
    """

    __slots__ = ("answer", "came", "done", "ended", "first", "left", "prompt", "session")

    def __init__(self, session: int, prompt: int, answer: int, done: Callable[["Job"], None]) -> None:
        self.session = session
        self.prompt = prompt
        self.answer = answer
        self.done = done
        self.left = prompt
        self.came = self.first = self.ended = 0.0


class Engine:
    """Serves jobs; its cache of keys and values holds ``kv_tokens``, and all prompts begin with the same ``shared``."""

    def __init__(self, environment: simpy.Environment, figures: EngineFigures, kv_tokens: int, shared: int = 0) -> None:
        self._environment = environment
        self._limits = figures.limits
        self._steps = figures.step_seconds()
        self._prefill = figures.prefill.ms_per_token / 1e3
        self._request = figures.prefill.request_ms / 1e3
        self.prefixes = Prefixes(kv_tokens, figures.limits.block, shared)
        self._waiting: deque[Job] = deque()
        self._reading: list[Job] = []
        self._writing: list[tuple[int, int, Job]] = []
        self._numbers = count()
        self._done_steps = 0
        self._plan = 0
        self._busy = False
        self._jump: tuple[float, float] | None = None

    @property
    def running(self) -> int:
        """Jobs that have a place in the batch."""
        return len(self._reading) + len(self._writing)

    def submit(self, job: Job) -> None:
        """Take a job."""
        job.came = self._environment.now
        self._waiting.append(job)
        if not self._busy:
            self._begin()
        elif self._jump and self.running < self._limits.max_running:
            self._cut_short(*self._jump)

    def _after(self, seconds: float, steps: int, chunks: list[tuple[Job, int]]) -> None:
        """Have so many steps end in so many seconds; what was planned before is forgotten."""
        self._plan += 1
        plan = self._plan
        self._environment.timeout(seconds).callbacks.append(lambda _: self._ended(plan, steps, chunks))

    def _begin(self) -> None:
        """The next step, or many that are alike."""
        chunks = self._chunks()
        if not chunks and not self._writing:
            self._busy = False
            return
        self._busy = True
        step = self._steps[len(self._writing)]
        if chunks:
            self._jump = None
            self._after(step + self._prefill * sum(tokens for _, tokens in chunks), 1, chunks)
        else:
            steps = self._writing[0][0] - self._done_steps
            self._jump = self._environment.now, step
            self._after(steps * step, steps, [])

    def _cut_short(self, began: float, step: float) -> None:
        """End the steps that are alike with the one that is under way, so that the newcomer is in the next."""
        steps = max(1, math.ceil((self._environment.now - began) / step - 1e-9))
        self._jump = None
        self._after(began + steps * step - self._environment.now, steps, [])

    def _ended(self, plan: int, steps: int, chunks: list[tuple[Job, int]]) -> None:
        if plan != self._plan:
            return
        self._done_steps += steps
        for job, tokens in chunks:
            job.left -= tokens
            if not job.left:
                self._reading.remove(job)
                job.first = self._environment.now + self._request
                heappush(self._writing, (self._done_steps + job.answer - 1, next(self._numbers), job))
        while self._writing and self._writing[0][0] <= self._done_steps:
            self._end(heappop(self._writing)[2])
        self._begin()

    def _end(self, job: Job) -> None:
        job.ended = self._environment.now + self._request
        self.prefixes.leave(job.session, job.prompt + job.answer)
        self._environment.timeout(self._request).callbacks.append(lambda _: job.done(job))

    def _chunks(self) -> list[tuple[Job, int]]:
        """What of prompts is in the next step, the oldest first."""
        budget = max(self._limits.max_batched_tokens - len(self._writing), self._limits.block)
        chunks = []
        for job in self._reading:
            if tokens := self._fitting(job.left, budget):
                chunks.append((job, tokens))
                budget -= tokens
        while self._waiting and self.running < self._limits.max_running:
            job = self._waiting[0]
            if budget < min(job.left, self._limits.block) or not self.prefixes.has_room(job.prompt + job.answer):
                break
            self._waiting.popleft()
            self._reading.append(job)
            job.left = job.prompt - self.prefixes.enter(job.session, job.prompt, job.prompt + job.answer)
            if tokens := self._fitting(job.left, budget):
                chunks.append((job, tokens))
                budget -= tokens
        return chunks

    def _fitting(self, left: int, budget: int) -> int:
        """All that is left of a prompt, or some of it that ends with a block."""
        return left if left <= budget else budget // self._limits.block * self._limits.block
