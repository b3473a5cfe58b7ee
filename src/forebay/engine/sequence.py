"""One prompt and what is generated after it, as the engine's thread sees it: tokens, never text."""

import random
import time
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from forebay.core.marking import Marker
from forebay.engine.adapter import Adapter
from forebay.engine.chain import Chain

Finish = Literal["stop", "length"]


class Sampling(msgspec.Struct, frozen=True):
    """How to choose tokens, and when to stop. ``logprobs`` is how many alternatives to report (``None``: nothing).

    Of ``stop`` and the text of the answer in general the engine knows nothing: see `text`.
    """

    max_tokens: int = 16
    min_tokens: int = 0
    ignore_eos: bool = False
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: Mapping[int, float] = {}
    logprobs: int | None = None
    stop: tuple[str, ...] = ()

    @property
    def penalised(self) -> bool:
        """Whether what stands already changes the logits."""
        return bool(self.frequency_penalty or self.presence_penalty or self.repetition_penalty != 1.0)


class Logprobs(NamedTuple):
    """The logarithm of a token's probability, and those of the likeliest ones."""

    logprob: float
    top: tuple[tuple[int, float], ...]


class Output(NamedTuple):
    """What one step brought for one sequence; ``finish`` is set with the last token."""

    sequence: "Sequence"
    token: int
    logprobs: Logprobs | None
    finish: Finish | None


class Receiver(Protocol):
    """Who waits for a sequence; both are called on the event loop."""

    def receive(self, output: Output, /) -> None:
        """Take one token."""
        ...

    def fail(self, error: Exception, /) -> None:
        """Nothing more will come."""
        ...


class Origin(NamedTuple):
    """Where a sequence comes from, as far as it concerns others.

    Sequences of one ``owner`` wait for each other, those of different ones take turns. What is computed is shared
    within a ``namespace``, and not at all without one; those with different adapters share nothing, because an adapter
    changes keys and values.
    """

    owner: str = ""
    namespace: bytes | None = None
    adapter: Adapter | None = None

    @property
    def root(self) -> bytes | None:
        """What the names of all shared blocks begin with."""
        if self.namespace is None or self.adapter is None:
            return self.namespace
        return b"\0".join((self.namespace, self.adapter.identity))


NOBODY: Final = Origin()


class Follower(Protocol):
    """Holds a sequence to a grammar: see `grammar.Matcher`.

    ``ended`` says whether nothing may follow but an end, ``failure`` why the grammar could not be followed to there,
    and ``param`` which field of the request it comes from.
    """

    ended: bool
    failure: str | None
    param: str

    def only(self) -> int | None:
        """The next token where no other is legal."""
        ...

    def restrict(self, row: npt.NDArray[np.float32], /) -> None:
        """Leave in ``row`` only the logits of tokens that are legal."""
        ...

    def advance(self, token: int, left: int, /) -> int:
        """Take ``token``, or another one if with it the text could not end within ``left`` more; tells which."""
        ...


class Sequence:
    """A prompt, the tokens after it, and how far they are computed.

    ``tokens[:computed]`` are in the cache, in ``blocks``, of which ``kept`` can be found by others. With a seed the
    sequence is ``exact``: what is computed for it must not depend on the load, so after a preemption only the prompt is
    computed at one go, as it was at first; the generated tokens follow one by one (a cache filled at one go is rounded
    otherwise). ``at_one_go`` is how many tokens, from the first on, were computed so. ``cached`` is how many tokens of
    the prompt were in the cache when it began. ``index`` is its place among the choices of its request,
    ``marker`` is what puts a watermark into it.
    """

    __slots__ = (
        "adapter",
        "admitted",
        "at_one_go",
        "blocks",
        "cached",
        "chain",
        "computed",
        "exact",
        "grammar",
        "index",
        "kept",
        "marker",
        "owner",
        "prompt_length",
        "receiver",
        "sampling",
        "seed",
        "stop_ids",
        "submitted",
        "tokens",
    )

    def __init__(
        self,
        prompt: list[int],
        sampling: Sampling,
        receiver: Receiver,
        *,
        stop_ids: frozenset[int],
        origin: Origin = NOBODY,
    ) -> None:
        self.tokens = prompt.copy()
        self.prompt_length = len(prompt)
        self.sampling = sampling
        self.receiver = receiver
        self.stop_ids = frozenset() if sampling.ignore_eos else stop_ids
        self.index = 0
        self.grammar: Follower | None = None
        self.marker: Marker | None = None
        self.exact = sampling.seed is not None
        self.seed: int = random.getrandbits(64) if sampling.seed is None else sampling.seed
        self.owner = origin.owner
        self.adapter = origin.adapter
        self.chain = None if origin.root is None else Chain(origin.root)
        self.computed = 0
        self.at_one_go = 0
        self.kept = 0
        self.cached = 0
        self.blocks: list[int] = []
        self.submitted = time.perf_counter()
        self.admitted = 0.0

    @property
    def generated(self) -> int:
        """How many tokens stand after the prompt."""
        return len(self.tokens) - self.prompt_length

    @property
    def pending(self) -> int:
        """How many tokens the next step computes, if it has room for them."""
        if not self.exact:
            return len(self.tokens) - self.computed
        return max(self.prompt_length - self.computed, 1)

    @property
    def ready(self) -> bool:
        """Whether everything is computed, so that the last logits say what comes next."""
        return self.computed == len(self.tokens)

    def advance(self, count: int) -> None:
        """Note that the next ``count`` tokens are computed."""
        if self.computed == self.at_one_go and count > 1:
            self.at_one_go += count
        self.computed += count

    def restart(self) -> None:
        """Note that nothing is computed any more, and no block is held."""
        self.blocks = []
        self.computed = self.at_one_go = self.kept = 0

    def append(self, token: int) -> Finish | None:
        """Take the next token; tells whether, and why, it is the last one."""
        self.tokens.append(token)
        if token in self.stop_ids or (self.grammar is not None and self.grammar.ended):
            return "stop"
        return "length" if self.generated >= self.sampling.max_tokens else None
