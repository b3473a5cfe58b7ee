"""The verbs: what a part must be able to do to take its place, and nothing about how.

Adapters implement these protocols, the gateway calls them, `plugins` finds them by name and `app` puts them together.
"""

from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from forebay.core.adapters import AdapterSource
from forebay.core.entries import Entry, Match, News, Question, Selection, StoreStats
from forebay.core.families import Family
from forebay.core.types import Call, Deployment, Live, Operation, Principal, Record, Reply
from forebay.core.verdicts import Context, Judgement, Verdict

Handler = Callable[[Call], Awaitable[Reply]]


class Stage(Protocol):
    """One step of the pipeline: it answers by itself, or asks the next step and may change its answer."""

    async def __call__(self, call: Call, ask: Handler, /) -> Reply:
        """Answer ``call``, most often by ``await ask(call)``."""
        ...


class Provider(Protocol):
    """A vendor, a local engine or another gateway: whatever finally answers."""

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked of it."""
        ...

    async def start(self) -> None:
        """Make ready to answer; called once, on the event loop that will serve. Raises if it never can."""
        ...

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Answer ``call`` with ``deployment.model``.

        A returned ``Stream`` holds its first event already; one that breaks afterwards raises from its iteration. The
        provider writes the tokens it counted to ``call.trace.usage`` (for a stream: before its last event leaves).
        Cancelling the caller, or closing the stream, frees everything.

        Raises:
            ForebayError: the upstream's own meaning, mapped to the tree in `core.errors`.
        """
        ...

    def failure(self) -> str | None:
        """Why it cannot answer now, in one sentence; ``None`` while it can."""
        ...

    def gauges(self) -> Mapping[str, float]:
        """Its state in figures, for ``/metrics``; empty where there is none to tell."""
        ...

    async def close(self) -> None:
        """Free everything; nothing is asked afterwards. Closing what was never started is fine."""
        ...


@runtime_checkable
class Varied(Protocol):
    """What a `Provider` is besides if it knows that its models differ in what can be asked of them."""

    def operations_of(self, model: str, /) -> frozenset[Operation]:
        """What can be asked of ``model``, or of those that a pattern with a ``*`` means, as far as is known."""
        ...


@runtime_checkable
class Exposing(Protocol):
    """What a `Provider` is besides if it has metrics of its own, under names of its own."""

    def families(self) -> Sequence[Family]:
        """What it knows already, at once; nothing that is too old to be true."""
        ...


@runtime_checkable
class Adapters(Protocol):
    """What a `Provider` can do besides if its models take LoRA adapters.

    A call for one of them comes to `Provider.answer` with ``deployment.adapter``; an unknown one is a
    `ModelNotFoundError`. No name was checked before it comes here.
    """

    async def adapters(self, deployment: Deployment, /) -> Sequence[str]:
        """The names that a call may ask for, loaded already or not.

        Raises:
            ForebayError: they cannot be told now.
        """
        ...

    async def load_adapter(self, deployment: Deployment, source: AdapterSource, /) -> None:
        """Make an adapter ready; from the moment this returns a call may ask for it.

        Raises:
            InvalidRequestError: it is none, or not one for this model; or it is there already.
            NotFoundError: there is nothing at its path.
            ForebayError: there is no room for it now.
        """
        ...

    async def unload_adapter(self, deployment: Deployment, name: str, /) -> None:
        """Free what an adapter holds, as soon as nobody uses it.

        Raises:
            NotFoundError: it is not loaded.
        """
        ...


class Authenticator(Protocol):
    """Who is asking?"""

    async def authenticate(self, authorization: str | None, /) -> Principal:
        """The principal behind an ``Authorization`` header.

        Raises:
            AuthenticationError: there is none, or it is unknown.
        """
        ...


class Recorder(Protocol):
    """What takes the record of every ended call: metrics, the log, a ledger. It must be quick and may not fail."""

    def record(self, record: Record, /) -> None:
        """Take note of one ended call."""
        ...


class Auditor(Protocol):
    """What takes the judgements of guards: metrics, the log. It must be quick and may not fail."""

    def judged(self, judgement: Judgement, /) -> None:
        """Take note of one judgement."""
        ...

    def held(self, seconds: float, /) -> None:
        """Take note of how long the first content of a stream was held back."""
        ...


class Candidate(Protocol):
    """A deployment as a strategy sees it; only the gateway changes what it sees."""

    @property
    def deployment(self) -> Deployment:
        """Which one it is."""
        ...

    @property
    def live(self) -> Live:
        """How it is doing."""
        ...


class Strategy(Protocol):
    """Which of a model's deployments to ask first."""

    def score(self, call: Call, candidates: Sequence[Candidate], /) -> Sequence[float]:
        """How well each candidate, of which there are at least two, suits ``call``: the lowest is asked first.

        Among equal ones chance decides. ``math.inf`` is the last resort. It is asked for every request and must be
        quick: of the request's body, which is bytes, it reads only what it needs.
        """
        ...


@runtime_checkable
class Probed(Protocol):
    """What a `Provider` can do besides, if it can be asked how it is: one without it is asked for its `failure`."""

    async def probe(self, path: str, seconds: float, /) -> str | None:
        """Why it cannot answer, in one sentence, ``None`` if it can; ``path`` is what to ask it for.

        It answers within ``seconds`` and raises nothing.
        """
        ...


REACH: Final = 2048
"""How many characters before a span a `Guard` that judges streams may need to see."""


class Guard(Protocol):
    """Whether a text may pass; a library's own validator, a pattern or another model behind one method."""

    @property
    def lookbehind(self) -> int | None:
        """How many characters before the end of a text its verdict may still change, when more of the text arrives.

        The verdict about everything before them is final: no span that begins there can appear, change or grow later,
        so a stream may let it go. Nor has anything `REACH` characters before a span a bearing on it: of a long stream a
        guard sees the end only. Whoever finds something always says where it stands. ``None``: whoever must see the
        whole text, or judges it as a whole.
        """
        ...

    async def check(self, text: str, context: Context, /) -> Verdict:
        """Judge ``text``; the same text and context always get the same verdict.

        Raises:
            Exception: it could not judge; the pipeline then does what ``on_error`` says.
        """
        ...


class CacheStore(Protocol):
    """Where replies are kept, by keys of 32 bytes, until they expire or are evicted.

    Every method may raise `CacheUnavailableError`, soon, and none anything else: a store that is down costs no request
    more than its time-out. What it cannot read (another version, cut off) it counts, deletes and does not find.
    """

    async def start(self) -> None:
        """Make ready; called once, on the event loop that will use it. What cannot be reached now may be later."""
        ...

    async def get(self, key: bytes, /) -> Entry | None:
        """The entry of ``key``, unless it has expired."""
        ...

    async def put(self, key: bytes, entry: Entry, /) -> None:
        """Keep ``entry`` in place of what ``key`` had."""
        ...

    async def delete(self, key: bytes, /) -> bool:
        """Forget ``key``; whether it was there."""
        ...

    async def delete_where(self, selection: Selection, /) -> int:
        """Forget what ``selection`` holds; how many that were."""
        ...

    def scan(self) -> AsyncIterator[tuple[bytes, Entry]]:
        """Every entry that has not expired, in any order; what comes or goes meanwhile may be missed."""
        ...

    async def news(self, mark: str | None, /) -> News:
        """Some of what any process has written since ``mark``, the oldest first; without one, where to begin."""
        ...

    async def stats(self) -> StoreStats:
        """How full it is."""
        ...

    def gauges(self) -> Mapping[str, float]:
        """Its state in figures, for ``/metrics``, at once: what it counts itself (``errors``, ``unreadable`` …)."""
        ...

    async def close(self) -> None:
        """Free everything; nothing is asked afterwards. Closing what was never started is fine."""
        ...


class Similar(Protocol):
    """Finds stored questions that mean the same: an index of vectors, and a judgement of what is near.

    It keeps nothing for good. It is filled from a store at the start, and holds no key that was not added. None of its
    methods blocks the loop, and none raises anything but `CacheUnavailableError`.
    """

    @property
    def is_shared(self) -> bool:
        """Whether what another process adds is found here as well; known once it has been started."""
        ...

    async def start(self) -> None:
        """Make ready; called once, on the event loop that will use it."""
        ...

    async def question(self, scope: bytes, text: str, /) -> Question:
        """``text`` with its vector, to be stored and added. After `find` of the same text this costs nothing more."""
        ...

    async def find(self, scope: bytes, text: str, threshold: float, /) -> Match | None:
        """The nearest of ``scope``, cosine at least ``threshold``, judged to be the same; ``None``: there is none."""
        ...

    async def add(self, key: bytes, question: Question, expires: float, /) -> None:
        """Let ``question`` be found until ``expires`` (seconds since the epoch); one of another embedder is not."""
        ...

    async def remove(self, key: bytes, /) -> None:
        """Let ``key`` be found no more; one that is not there is fine."""
        ...

    async def rebuild(self, entries: AsyncIterator[tuple[bytes, Entry]], /) -> int:
        """Forget what only this process knows and add the questions of ``entries``; how many were of use."""
        ...

    def gauges(self) -> Mapping[str, float]:
        """Its state in figures, for ``/metrics``: entries, bytes, and whatever it counts."""
        ...

    async def close(self) -> None:
        """Free everything; nothing is asked afterwards. Closing what was never started is fine."""
        ...


class Embedder(Protocol):
    """Makes texts into vectors of length one: the more alike two texts are, the larger their product."""

    @property
    def name(self) -> str:
        """Which model in which precision: vectors of two names cannot be compared."""
        ...

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has; known once it has been started."""
        ...

    async def start(self) -> None:
        """Make ready; called once. Raises if it never can."""
        ...

    async def embed(self, text: str, /) -> "array[float] | None":
        """The vector of ``text`` alone, in single precision; ``None``: too long. Raises `CacheUnavailableError`."""
        ...

    async def close(self) -> None:
        """Free everything; nothing is asked afterwards. Closing what was never started is fine."""
        ...
