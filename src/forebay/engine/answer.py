"""One request's answer as it grows, between the engine's thread and the task that writes the reply."""

import asyncio
from collections.abc import Sequence as Items

from forebay.core.types import Usage
from forebay.engine.runner import Runner
from forebay.engine.sequence import NOBODY, Origin, Output, Sampling, Sequence
from forebay.engine.text import Piece, Text


class Answer:
    """Makes text of the tokens as they come, ends a choice at its stop string, and hands on what there is to tell.

    It works when a token arrives and not when its reader asks: a slow reader must not keep a finished choice running.
    """

    def __init__(self, runner: Runner, origin: Origin = NOBODY) -> None:
        self._sequences: list[Sequence] = []
        self._texts: list[Text] = []
        self._runner = runner
        self._origin = origin
        self._pieces: list[Piece] = []
        self._error: Exception | None = None
        self._unfinished = 0
        self._arrived: asyncio.Future[None] | None = None

    def add(self, prompt: list[int], sampling: Sampling, *, ends: frozenset[int], pieces: Items[bytes]) -> None:
        """Add a choice: what is generated after ``prompt``, up to one of the tokens ``ends``.

        ``pieces`` are the bytes of each token.
        """
        sequence = Sequence(prompt, sampling, self, stop_ids=ends, origin=self._origin)
        sequence.index = len(self._sequences)
        self._sequences.append(sequence)
        self._texts.append(Text(pieces, sampling.stop, sampling.min_tokens))

    def start(self) -> None:
        """Have the engine work on all choices.

        Raises:
            ForebayError: it cannot.
        """
        self._runner.submit(self._sequences)
        self._unfinished = len(self._sequences)

    @property
    def finished(self) -> bool:
        """Whether every choice has told its end."""
        return not self._unfinished

    @property
    def usage(self) -> Usage:
        """The tokens up to now."""
        return Usage(
            prompt_tokens=sum(sequence.prompt_length for sequence in self._sequences),
            completion_tokens=sum(text.tokens for text in self._texts),
            cached_tokens=sum(sequence.cached for sequence in self._sequences),
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
