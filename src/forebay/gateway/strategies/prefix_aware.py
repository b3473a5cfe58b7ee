"""Sends a prompt to whoever has computed its beginning already, unless that one is too busy.

score = matched/prompt - beta x relative load. Of each deployment it remembers the prompts that it was given, as a chain
of hashes, one for each piece of the text: a hash stands for its piece and all before it, as a block of a prefix cache
does. What is in the deployment's cache it can only guess by that, so it remembers about as much as fits there.

Sources: SGLang's cache-aware router; vLLM's hashes of block chains.
"""

from collections import OrderedDict
from collections.abc import Sequence
from random import Random
from typing import Annotated

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.ports import Candidate
from forebay.core.types import Call
from forebay.plugins import StrategyPlugin

Positive = Annotated[int, msgspec.Meta(ge=1)]

# Deployments whose prompts are remembered at least: behind a wildcard it is clients who name them. Where one model has
# more of them each is remembered, and less of each: all of it takes no more memory than these would.
MEMORIES = 256
# Among equals chance decides, and it must decide here, so that what is remembered is where the prompt went.
NOISE = 1e-6


class PrefixAwareSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``piece`` is in bytes, ``longest`` so many of a request count, ``remembered`` are kept for each deployment."""

    beta: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    piece: Positive = 512
    longest: Positive = 256
    remembered: Positive = 16_384


class Prompt(msgspec.Struct):
    """What of a body a model reads, in the order in which templates put it."""

    tools: msgspec.Raw = msgspec.Raw()
    messages: msgspec.Raw = msgspec.Raw()
    prompt: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()


class Memory:
    """The latest pieces that one deployment was given, ``limit`` of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._pieces: OrderedDict[int, None] = OrderedDict()

    def matched(self, chain: Sequence[int]) -> int:
        """How many pieces at the beginning of ``chain`` are remembered."""
        pieces = self._pieces
        for number, piece in enumerate(chain):
            if piece not in pieces:
                return number
        return len(chain)

    def add(self, chain: Sequence[int]) -> None:
        """Remember ``chain``; its end is forgotten before its beginning, without which it would match nothing."""
        pieces = self._pieces
        for piece in reversed(chain):
            pieces[piece] = None
            pieces.move_to_end(piece)
        while len(pieces) > self.limit:
            pieces.popitem(last=False)

    def __len__(self) -> int:
        return len(self._pieces)


class PrefixAware:
    """Remembers what it sent where."""

    def __init__(self, settings: PrefixAwareSettings, random: Random) -> None:
        self._settings = settings
        self._random = random.random
        self._memories: dict[str, Memory] = {}
        self._most = MEMORIES

    def score(self, call: Call, candidates: Sequence[Candidate], /) -> Sequence[float]:
        """The formula's value with the sign turned round."""
        settings = self._settings
        pieces = chain(call.request.body, call.request.model, settings.piece, settings.longest)
        self._most = max(self._most, len(candidates))
        mean = sum(each.live.running for each in candidates) / len(candidates)
        memories = [self._memory(each.deployment.name) for each in candidates]
        scores = []
        for candidate, memory in zip(candidates, memories, strict=True):
            matched = memory.matched(pieces) / (len(pieces) or 1)
            load = candidate.live.running / (mean + 1)
            scores.append(settings.beta * load - matched - self._random() * NOISE)
        memories[scores.index(min(scores))].add(pieces)
        return scores

    def _memory(self, name: str) -> Memory:
        """What ``name`` was given; the deployment that was looked at least recently is forgotten."""
        limit = max(1, self._settings.remembered * MEMORIES // self._most)
        memory = self._memories.pop(name, None)
        if memory is None:
            memory = Memory(limit)
        memory.limit = limit
        self._memories[name] = memory
        if len(self._memories) > self._most:
            del self._memories[next(iter(self._memories))]
        return memory


def chain(body: bytes, model: str, size: int, longest: int) -> list[int]:
    """The hashes of the pieces of a prompt, each of which stands for all before it; the last, incomplete piece is none.

    Python's own hash is keyed anew for each process and so cannot be made to collide; it need not last longer.
    """
    try:
        found = msgspec.json.decode(body, type=Prompt)
    except MALFORMED:
        return []
    text = b"".join((found.tools, found.messages, found.prompt, found.input))
    last = hash(model)
    pieces = []
    for start in range(0, min(len(text) - size + 1, size * longest), size):
        last = hash((last, text[start : start + size]))
        pieces.append(last)
    return pieces


plugin = StrategyPlugin(settings=PrefixAwareSettings, build=lambda settings, tools: PrefixAware(settings, tools.random))
