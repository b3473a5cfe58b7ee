"""The first requests, which nobody counts: whether the server answers, what it can be told, how it counts tokens."""

from collections.abc import Iterator
from http import HTTPStatus

import msgspec

from forebay.cli.bench.bodies import LONG, Fields, Form, asked
from forebay.cli.bench.failures import BenchError, remedy
from forebay.cli.bench.reading import clock
from forebay.cli.bench.samples import Sample
from forebay.cli.bench.synthetic import HEAD, WORDS, Words
from forebay.cli.bench.target import Target

REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
FEWEST_WORDS = 16
MOST_QUESTIONS = 64
"""Beyond so many the words that are left are not looked into: a tokenizer that cuts all would take hundreds."""


async def agreed(target: Target, form: Form, question: Fields) -> tuple[Form, list[str]]:
    """The form, of ``form`` and plainer ones, that the server takes, and what had to be left out.

    Raises:
        BenchError: it takes none of them.
    """
    failed = None
    for plainer, notes in _plainer(form):
        sample = await target.ask(plainer.body(question), clock())
        if sample.failure is None:
            return plainer, notes
        failed = failed or sample.failure
        if sample.failure.status not in REFUSED:
            failed = sample.failure
            break
    assert failed is not None  # noqa: S101  # there was at least one form
    told = f"{target.url}: {failed.kind}: {failed.message.rstrip('.')}. {remedy(failed)}"
    raise BenchError(told.strip())


def _plainer(form: Form) -> Iterator[tuple[Form, list[str]]]:
    """``form``, then with less and less that a server may not know."""
    notes: list[str] = []
    yield form, notes
    if form.exactly:
        form = msgspec.structs.replace(form, exactly=False)
        notes = [*notes, "The server refuses min_tokens and ignore_eos: answers may be shorter than asked for."]
        yield form, notes
    if form.tokens is not None and form.operation == "chat":
        yield msgspec.structs.replace(form, limit=LONG), notes
    if form.streamed and form.usage:
        form = msgspec.structs.replace(form, usage=False)
        notes = [*notes, "The server refuses stream_options: no usage, tokens are counted by chunks."]
        yield form, notes


async def counted_words(target: Target, form: Form) -> tuple[Words, list[str]]:
    """The words that are one token each by the server's own count, and what to know of that."""
    counter = _Counter(target, form)
    once, twice = await counter.tokens(WORDS), await counter.tokens(WORDS * 2)
    if once is None or twice is None:
        note = "The server does not count the tokens of prompts: --input-tokens counts words, without the template."
        return Words(overhead=len(HEAD.split())), [note]
    if twice - once == len(WORDS):
        return Words(WORDS, once - len(WORDS), exact=True), []
    if twice - once < len(WORDS):  # not even one token a word
        return Words(overhead=len(HEAD.split())), ["The server's count of a prompt's tokens does not go by its length."]
    words = await counter.single(WORDS)
    total = await counter.tokens(words) if len(words) >= FEWEST_WORDS else None
    if total is None:
        note = "The server's tokenizer cuts common words: --input-tokens counts words, without the template."
        return Words(overhead=len(HEAD.split())), [note]
    return Words(words, total - len(words), exact=True), []


class _Counter:
    """Asks the server how many tokens words have."""

    def __init__(self, target: Target, form: Form) -> None:
        self._target = target
        self._form = msgspec.structs.replace(form, tokens=1, exactly=False)
        self._asked = 0

    async def tokens(self, words: tuple[str, ...]) -> int | None:
        """All tokens of a prompt with ``words``, if the server says."""
        self._asked += 1
        body = self._form.body(asked(self._form.operation, " ".join((HEAD, *words))))
        sample: Sample = await self._target.ask(body, clock())
        return sample.input

    async def single(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``words`` that are one token each, found by halves, as far as `MOST_QUESTIONS` go."""
        if self._asked >= MOST_QUESTIONS:
            return ()
        once, twice = await self.tokens(words), await self.tokens(words * 2)
        if once is not None and twice is not None and twice - once == len(words):
            return words
        if len(words) == 1:
            return ()
        middle = len(words) // 2
        return await self.single(words[:middle]) + await self.single(words[middle:])
