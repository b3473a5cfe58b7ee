"""The engine itself: sequences in, a token for each of them a step. It knows no text, no clients and no event loop."""

from collections.abc import Sequence as Items
from typing import Protocol

from forebay.engine.batch import Floats, Row
from forebay.engine.blocks import BLOCK, SCRATCH, BlockManager
from forebay.engine.sampling import Choice, Sampler
from forebay.engine.scheduler import Chunk, Scheduler
from forebay.engine.sequence import Output, Sequence


class Graph(Protocol):
    """What computes: `graph.PagedGraph`, or something simpler in a test."""

    @property
    def blocks(self) -> int:
        """How many blocks there are, `SCRATCH` included."""
        ...

    @property
    def vocabulary(self) -> int:
        """How many tokens there are to choose from."""
        ...

    def step(self, batch: Items[Row], *, exact: bool = False) -> Floats:
        """The logits after the last token of each row."""
        ...


class Engine:
    """Everything behind one model; only one thread may use it."""

    def __init__(self, graph: Graph, *, max_running: int, max_batched_tokens: int) -> None:
        self.blocks = BlockManager(SCRATCH + 1, graph.blocks)
        self.scheduler = Scheduler(self.blocks, max_running=max_running, max_batched_tokens=max_batched_tokens)
        self.generated = 0
        self._graph = graph
        self._sampler = Sampler(graph.vocabulary)

    @property
    def capacity(self) -> int:
        """How many tokens fit into the cache."""
        return self.blocks.total * BLOCK

    def step(self) -> list[Output]:
        """Compute what is next of every sequence that has its turn; the new tokens."""
        chunks = sorted(self.scheduler.schedule(), key=_is_unfinished)
        logits = self._graph.step([_row(chunk) for chunk in chunks], exact=any(each.sequence.exact for each in chunks))
        for chunk in chunks:
            self.scheduler.advanced(chunk)
        ready = [chunk.sequence for chunk in chunks if chunk.sequence.ready]
        choices = self._sampler.choose(logits[: len(ready)], ready)
        return [self._take(sequence, choice) for sequence, choice in zip(ready, choices, strict=True)]

    def _take(self, sequence: Sequence, choice: Choice) -> Output:
        finish = sequence.append(choice.token)
        if finish:
            self.scheduler.remove(sequence)
        self.generated += 1
        return Output(sequence, choice.token, choice.logprobs, finish)


def _is_unfinished(chunk: Chunk) -> bool:
    """Whether nothing is to be chosen after ``chunk``; such ones go last, so that the others' logits lie together."""
    return chunk.sequence.computed + chunk.tokens < len(chunk.sequence.tokens)


def _row(chunk: Chunk) -> Row:
    sequence = chunk.sequence
    done = sequence.computed
    return Row(sequence.tokens[done : done + chunk.tokens], done, sequence.blocks, sequence.adapter)
