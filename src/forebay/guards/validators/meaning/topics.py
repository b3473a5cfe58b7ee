"""Topics that may be talked about, and topics that may not, told by examples.

Source: sentence embeddings (N. Reimers and I. Gurevych, "Sentence-BERT", 2019): a sentence belongs to a topic if it is
near enough to one of its examples. Short examples in the users' own words work best.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Action, Context, Verdict
from forebay.guards.validators.meaning.sentences import TOO_LONG, Embedder, Vector, cosine, sentences
from forebay.plugins import GuardPlugin, GuardTools

Examples = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class TopicsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Examples of what is ``denied`` and of what is ``allowed``, by topic, and the embedding ``model`` that compares.

    Where topics are ``allowed``, a text without a sentence about any of them is refused. A sentence is about a topic
    from a ``similarity`` (cosine) on.
    """

    denied: Mapping[str, Examples] = {}
    allowed: Mapping[str, Examples] = {}
    model: str = "all-minilm-l6-v2"
    similarity: Share = 0.45

    def __post_init__(self) -> None:
        """Refuse settings that ask for nothing."""
        if not self.denied and not self.allowed:
            raise ValueError("give topics that are denied, or allowed")


class Topics:
    """Asks the model for the vectors of the examples once, and for those of every text."""

    lookbehind: int | None = None

    def __init__(self, settings: TopicsSettings, embed: Embedder) -> None:
        self._settings = settings
        self._embed = embed
        self._known: dict[str, list[Vector]] | None = None
        self._learning = asyncio.Lock()

    async def check(self, text: str, _context: Context, /) -> Verdict:
        """Whether a sentence is about a denied topic; and whether one is about an allowed one.

        Raises:
            ForebayError: the model cannot be asked.
        """
        places = sentences(text)
        if places is None:
            return TOO_LONG
        known = await self._examples()
        found = await self._embed([text[start:end] for start, end in places])
        near = {topic: max((cosine(a, b) for a in found for b in known[topic]), default=0.0) for topic in known}
        least = self._settings.similarity
        denied = max(self._settings.denied, key=near.__getitem__, default="")
        score = max(min(near.get(denied, 0.0), 1.0), 0.0)
        if denied and near[denied] >= least:
            return Verdict(Action.BLOCK, score=score, reason=f"it is about '{denied}'")
        if found and self._settings.allowed and max(near[topic] for topic in self._settings.allowed) < least:
            return Verdict(Action.BLOCK, score=1.0, reason="it is about none of the topics that are allowed")
        return Verdict(Action.PASS, score=score)

    async def _examples(self) -> dict[str, list[Vector]]:
        async with self._learning:
            if self._known is None:
                topics = {**self._settings.denied, **self._settings.allowed}
                self._known = {topic: await self._embed(examples) for topic, examples in topics.items()}
            return self._known


def _build(settings: TopicsSettings, tools: GuardTools) -> Guard:
    return Topics(settings, Embedder(tools.ask, settings.model))


plugin = GuardPlugin(TopicsSettings, _build)
