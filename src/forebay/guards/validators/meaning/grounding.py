"""An answer that says what the given documents do not: a first version, without a model of inference.

A sentence is grounded if some sentence of the documents is near to it in meaning, and every number in it stands in the
documents. So it finds what is made up from nothing and wrong figures; a "not" too many it does not find.
"""

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action, Context, Span, Verdict
from forebay.guards.validators.meaning.sentences import TOO_LONG, Embedder, cosine, sentences
from forebay.plugins import GuardPlugin, GuardTools

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class GroundingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How near (``similarity``, a cosine) a sentence must be to one of the documents', by which embedding ``model``.

    ``numbers``: whether numbers must stand in the documents. A call without documents passes.
    """

    model: str = "all-minilm-l6-v2"
    similarity: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    numbers: bool = True


class Grounding:
    """Compares an answer with the documents of its call, sentence by sentence."""

    lookbehind: int | None = None

    def __init__(self, settings: GroundingSettings, embed: Embedder) -> None:
        self._settings = settings
        self._embed = embed

    async def check(self, text: str, context: Context, /) -> Verdict:
        """The sentences that rest on nothing; the score is how far the worst is away.

        Raises:
            ForebayError: the model cannot be asked.
        """
        if not context.documents or not text:
            return PASSED
        places = sentences(text)
        given = _cut(context.documents)
        if places is None or given is None:
            return TOO_LONG
        if not places:
            return PASSED
        vectors = await self._embed([*(text[start:end] for start, end in places), *given])
        said, sources = vectors[: len(places)], vectors[len(places) :]
        nearest = [max((cosine(one, other) for other in sources), default=0.0) for one in said]
        numbers = {_plain(each) for document in context.documents for each in NUMBER.findall(document)}
        spans = tuple(
            Span(start, end, "ungrounded", "")
            for (start, end), near in zip(places, nearest, strict=True)
            if near < self._settings.similarity or not self._are_given(text[start:end], numbers)
        )
        score = 1 - max(min(*nearest, 1.0), 0.0)
        reason = "it says what the documents do not"
        return Verdict(Action.MASK, spans, score, reason) if spans else Verdict(Action.PASS, score=score)

    def _are_given(self, sentence: str, numbers: set[str]) -> bool:
        return not self._settings.numbers or {_plain(each) for each in NUMBER.findall(sentence)} <= numbers


def _cut(documents: Sequence[str]) -> list[str] | None:
    """The sentences of all of them; ``None`` where one has too many."""
    given: list[str] = []
    for document in documents:
        places = sentences(document)
        if places is None:
            return None
        given += [document[start:end] for start, end in places]
    return given


def _plain(number: str) -> str:
    """Without the signs between thousands, which people write differently."""
    return number.replace(",", "").rstrip(".")


def _build(settings: GroundingSettings, tools: GuardTools) -> Guard:
    return Grounding(settings, Embedder(tools.ask, settings.model))


plugin = GuardPlugin(GroundingSettings, _build)
