"""One request's answer as it grows, between the engine's thread and the task that writes the reply."""

import asyncio
from collections.abc import Callable
from collections.abc import Sequence as Items
from typing import NamedTuple

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.core.marking import Marker
from forebay.core.types import Usage
from forebay.engine.grammar import Grammar
from forebay.engine.runner import Runner
from forebay.engine.sampling import derived
from forebay.engine.sequence import NOBODY, Origin, Output, Sampling, Sequence
from forebay.engine.text import Piece, Text


class Prompt(NamedTuple):
    """The tokens to go on from, and the text that is to stand before each answer (``echo``)."""

    tokens: list[int]
    lead: str = ""


class Words(NamedTuple):
    """What an answer is made of: the tokens that end it, and the bytes of each token as they stand in it."""

    ends: frozenset[int]
    pieces: Items[bytes]


class Answer:
    """Makes text of the tokens as they come, ends a choice at its stop string, and hands on what there is to tell.

    It works when a token arrives and not when its reader asks: a slow reader must not keep a finished choice running.
    """

    def __init__(
        self,
        runner: Runner,
        words: Words,
        *,
        grammar: Grammar | None = None,
        origin: Origin = NOBODY,
        marker: Callable[[], Marker] | None = None,
    ) -> None:
        """An answer in ``words``, held to ``grammar``, and each of its choices marked by a ``marker`` of its own."""
        self._marker = marker
        self._words = words
        self._grammar = grammar
        self._sequences: list[Sequence] = []
        self._prompts: list[Sequence] = []  # The first choice of each prompt.
        self._texts: list[Text] = []
        self._prompt_tokens = 0
        self._runner = runner
        self._origin = origin
        self._pieces: list[Piece] = []
        self._error: Exception | None = None
        self._unfinished = 0
        self._arrived: asyncio.Future[None] | None = None

    def add(self, prompt: Prompt, sampling: Sampling, choices: int) -> None:
        """Add some choices: what is generated after ``prompt``.

        Where there is a seed, each choice has one of its own, made of it.
        """
        self._prompt_tokens += len(prompt.tokens)
        for number in range(choices):
            index = len(self._texts)
            self._texts.append(Text(self._words.pieces, sampling.stop, sampling.min_tokens, lead=prompt.lead))
            if sampling.max_tokens:
                own = _of_choice(sampling, number)
                sequence = Sequence(prompt.tokens, own, self, stop_ids=self._words.ends, origin=self._origin)
                sequence.index = index
                sequence.grammar = self._grammar.matcher() if self._grammar else None
                sequence.marker = self._marker() if self._marker else None
                self._sequences.append(sequence)
                if number == 0:
                    self._prompts.append(sequence)
            else:
                self._pieces.append(Piece(index, prompt.lead, [], "length"))

    def start(self) -> None:
        """Have the engine work on all choices.

        Raises:
            ForebayError: it cannot.
        """
        self._runner.submit(self._sequences)
        self._unfinished = len(self._texts)

    @property
    def finished(self) -> bool:
        """Whether every choice has told its end."""
        return not self._unfinished

    @property
    def usage(self) -> Usage:
        """The tokens up to now; a prompt counts once, however many choices it has."""
        return Usage(
            prompt_tokens=self._prompt_tokens,
            completion_tokens=sum(text.tokens for text in self._texts),
            cached_tokens=sum(sequence.cached for sequence in self._prompts),
        )

    @property
    def queue_seconds(self) -> float:
        """How long the first of its sequences waited for its turn."""
        waits = [each.admitted - each.submitted for each in self._sequences if each.admitted]
        return min(waits, default=0.0)

    async def pieces(self) -> list[Piece]:
        """What there is to tell, once there is something; nothing when every choice is finished.

        Raises:
            ForebayError: the engine failed.
        """
        while self._unfinished and not self._pieces:
            if self._error is not None:
                raise self._error
            # One future is half the work of an `asyncio.Event`, and this happens for every token.
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        pieces, self._pieces = self._pieces, []
        self._unfinished -= sum(piece.finish is not None for piece in pieces)
        return pieces

    def close(self) -> None:
        """Stop whatever still runs."""
        for sequence in self._sequences:
            self._runner.cancel(sequence)

    def receive(self, output: Output, /) -> None:
        """Take one token."""
        grammar = output.sequence.grammar
        if grammar is not None and grammar.failure:
            self.fail(InvalidRequestError(grammar.failure, param=grammar.param))
            return
        piece = self._texts[output.sequence.index].feed(output)
        if piece.finish and not output.finish:
            self._runner.cancel(output.sequence)
        self._pieces.append(piece)
        self._wake()

    def fail(self, error: Exception, /) -> None:
        """Nothing more will come."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


def _of_choice(sampling: Sampling, number: int) -> Sampling:
    if sampling.seed is None or not number:
        return sampling
    return msgspec.structs.replace(sampling, seed=derived(sampling.seed, number))
