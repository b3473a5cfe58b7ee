"""The few nouns of the pipeline; frozen where they describe, mutable only where they measure.

They are msgspec Structs and not dataclasses because every request makes several of them: a frozen Struct costs a
tenth of a frozen dataclass to build. Those that hold nothing but strings and numbers are of no interest to the garbage
collector (``gc=False``), which would otherwise look at thousands of them again and again.
"""

import enum
from typing import Any, Protocol

import msgspec


class Operation(enum.Enum):
    """What a request asks for; the value is OpenAI's path below ``/v1/``."""

    CHAT = "chat/completions"
    COMPLETION = "completions"
    EMBEDDING = "embeddings"


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Who asks: the name of a key or user, its tenant and what it may use.

    ``models`` holds names, and prefixes such as ``openai/*``; ``None`` is everything.
    """

    name: str
    tenant: str = "default"
    models: frozenset[str] | None = None

    def may_use(self, model: str) -> bool:
        """Whether this principal may name ``model`` in a request."""
        models = self.models
        if models is None or model in models:
            return True
        prefix, slash, _ = model.partition("/")
        return bool(slash) and f"{prefix}/*" in models


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request as it came: only what the gateway itself needs is typed, the body stays the client's bytes."""

    operation: Operation
    model: str
    body: bytes
    stream: bool = False
    include_usage: bool = False

    def fields(self) -> dict[str, Any]:
        """The whole body, decoded; for adapters that translate or generate."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one request, as the model counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


class Trace(msgspec.Struct, gc=False):
    """What is measured about one call while it runs; times are ``time.perf_counter()`` seconds, 0.0 = not yet."""

    accepted: float
    deployment: str = ""
    provider_started: float = 0.0
    provider_answered: float = 0.0
    queue_seconds: float = 0.0
    first_token: float = 0.0
    last_token: float = 0.0
    usage: Usage | None = None
    chunks: int = 0


class Call(msgspec.Struct, frozen=True):
    """A request on its way through the pipeline: who asks for what, under which id."""

    id: str
    request: Request
    principal: Principal
    trace: Trace


class Event(msgspec.Struct, frozen=True, gc=False):
    """One piece of a streamed reply: one or more whole server-sent events, exactly as the client will get them.

    ``content`` says whether any of it is part of the answer (text, a tool call), unlike a role, a usage or ``[DONE]``.
    """

    data: bytes
    content: bool = True


class Whole(msgspec.Struct, frozen=True):
    """A reply in one piece: a JSON body, with the usage that stands in it."""

    body: bytes
    usage: Usage | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Events(Protocol):
    """The pieces of a streamed reply, in order.

    Whoever takes them closes them (``contextlib.aclosing``). Closing early, even before the first piece was asked for,
    cancels the work behind them. A plain async generator does not promise that: before its first step there is nothing
    to close; `stream.Primed` does.
    """

    def __aiter__(self) -> "Events":
        """Itself."""
        ...

    async def __anext__(self) -> Event:
        """The next piece.

        Raises:
            StopAsyncIteration: the reply is whole.
            ForebayError: it broke; what was sent is not a whole answer.
        """
        ...

    async def aclose(self) -> None:
        """Stop the work behind the reply and free what it holds."""
        ...


class Stream(msgspec.Struct, frozen=True):
    """A reply in pieces, the first of which has already arrived when this object exists."""

    events: Events
    headers: tuple[tuple[str, str], ...] = ()


Reply = Whole | Stream


class TimeOuts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait for a deployment, in seconds: for a connection, the first token, the next one, all of it."""

    connect: float = 5.0
    first_token: float = 120.0
    between_tokens: float = 60.0
    total: float = 900.0


class Deployment(msgspec.Struct, frozen=True):
    """One model at one provider: ``name`` for people and metrics, ``model`` as the provider knows it."""

    name: str
    provider: str
    model: str
    timeouts: TimeOuts = TimeOuts()


class Record(msgspec.Struct, frozen=True, gc=False):
    """What is left of a call when it has ended: a line of the log, an observation of the metrics, a row of a ledger.

    Times are seconds; ``None`` where the call never got that far.
    """

    id: str
    at: float
    principal: str
    tenant: str
    operation: str
    model: str
    deployment: str
    status: int
    outcome: str
    stream: bool
    prompt_tokens: int
    completion_tokens: int
    latency: float
    ttft: float | None
    tpot: float | None
    queue: float
    provider: float
    overhead: float
