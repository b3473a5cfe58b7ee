"""The few nouns of the pipeline; frozen where they describe, mutable only where they measure.

They are msgspec Structs and not dataclasses because every request makes several of them: a frozen Struct costs a
tenth of a frozen dataclass to build. Those that hold nothing but strings and numbers are of no interest to the garbage
collector (``gc=False``), which would otherwise look at thousands of them again and again.
"""

import enum
from collections.abc import Awaitable
from typing import Any, Final, Protocol

import msgspec

from forebay.core.access import Access
from forebay.core.cachecontrol import CacheControl
from forebay.core.form import Form
from forebay.core.marks import MarkPolicy
from forebay.core.story import Choice, Story

ADAPTER_MARK: Final = ":"
"""Stands between a model and its adapter where a request names both: ``smollm2:support``."""


class Operation(enum.Enum):
    """What a request asks for; the value is OpenAI's path below ``/v1/``.

    ``COUNT`` is ours: it asks how many tokens the prompt of a chat has, and is answered like OpenAI's
    ``responses/input_tokens``.
    """

    CHAT = "chat/completions"
    COMPLETION = "completions"
    EMBEDDING = "embeddings"
    COUNT = "chat/completions/input_tokens"
    RERANK = "rerank"
    MODERATION = "moderations"
    SPEECH = "audio/speech"
    TRANSCRIPTION = "audio/transcriptions"
    TRANSLATION = "audio/translations"
    IMAGE = "images/generations"
    IMAGE_EDIT = "images/edits"
    IMAGE_VARIATION = "images/variations"
    FILES = "files"
    BATCHES = "batches"


class Limits(msgspec.Struct, frozen=True, gc=False):
    """How much somebody may ask for (``None``: any): requests and tokens a minute, and requests at once.

    Budgets are pico-dollars for a day and a month of the calendar, in UTC.
    """

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    budget_day: int | None = None
    budget_month: int | None = None


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Who asks: the name of a key or user, its tenant and what it may use.

    ``models`` holds names, prefixes such as ``openai/*``, adapters of a model as ``model:adapter`` and all of them as
    ``model:*``; ``None`` is everything. A model's own name does not grant its adapters, nor they the model. ``admin``
    is who may change the server itself. ``watermark`` says whether the answers are marked. ``scopes`` are what the
    credential is good for (`scopes.SCOPES`), ``None`` is everything.
    """

    name: str
    tenant: str = "default"
    models: frozenset[str] | None = None
    admin: bool = False
    watermark: MarkPolicy = "model"
    scopes: frozenset[str] | None = None
    limits: Limits | None = None

    def may_use(self, model: str) -> bool:
        """Whether this principal may name ``model`` in a request."""
        models = self.models
        if models is None or model in models:
            return True
        prefix, slash, _ = model.partition("/")
        if slash and f"{prefix}/*" in models:
            return True
        base, colon, _ = model.rpartition(ADAPTER_MARK)
        return bool(colon) and f"{base}{ADAPTER_MARK}*" in models

    def may_change_adapters(self, model: str) -> bool:
        """Whether this principal may say what the adapters of ``model`` are: that changes them for everybody."""
        return self.may_use(f"{model}{ADAPTER_MARK}*")


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request as it came: only what the gateway itself needs is typed, the body stays the client's bytes.

    ``translated`` says that it came in another dialect: its body was written by us, and may hold more than the upstream
    at hand understands. A ``form`` stands in the place of a body. ``access`` is there for what a provider keeps, which
    has no model. ``cache`` is what the body's field of that name wished, which is in the body no more.
    ``watermark`` says whether the answer is to be marked; ``None``: as the model's settings say.
    """

    operation: Operation
    model: str
    body: bytes
    stream: bool = False
    include_usage: bool = False
    translated: bool = False
    form: Form | None = None
    access: Access | None = None
    cache: CacheControl | None = None
    watermark: bool | None = None

    def fields(self) -> dict[str, Any]:
        """The whole body, decoded; for adapters that translate or generate."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


MOST_TOKENS: Final = 1_000_000_000
"""No request has so many tokens: the longest contexts have ten million."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one request, as the model counted them.

    Of the prompt's, ``cached_tokens`` came out of the provider's cache and ``cache_write_tokens`` went into it,
    ``long_cache_write_tokens`` of these to stay for an hour; of the completion's, ``reasoning_tokens`` are no part of
    the answer.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    long_cache_write_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """What both took together."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.long_cache_write_tokens + other.long_cache_write_tokens,
        )

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def is_plausible(self) -> bool:
        """Whether a model can have counted so: some upstreams tell nonsense, which nobody is to pay for."""
        return (
            0 <= self.prompt_tokens <= MOST_TOKENS
            and 0 <= self.completion_tokens <= MOST_TOKENS
            and 0 <= self.cached_tokens <= MOST_TOKENS
            and 0 <= self.cache_write_tokens <= MOST_TOKENS
            and 0 <= self.reasoning_tokens <= MOST_TOKENS
            and 0 <= self.long_cache_write_tokens <= MOST_TOKENS
        )


class Price(msgspec.Struct, frozen=True, gc=False):
    """What one token of each kind costs, in pico-dollars (10⁻¹² dollars).

    A dollar for a million tokens is a million of them for one, so every price that a vendor lists is an integer, and
    every cost exact. Reasoning is output.
    """

    input: int
    output: int
    cached_input: int
    cache_write: int
    long_cache_write: int

    def cost(self, usage: Usage, completion_tokens: int) -> int:
        """What ``usage`` costs, in pico-dollars, with ``completion_tokens`` in place of its own.

        Each token of the prompt is of one kind only; a provider that counts more of a kind than there are tokens is
        believed as far as there are.
        """
        left = usage.prompt_tokens
        cached = min(usage.cached_tokens, left)
        left -= cached
        written = min(usage.cache_write_tokens, left)
        long = min(usage.long_cache_write_tokens, written)
        return (
            (left - written) * self.input
            + cached * self.cached_input
            + (written - long) * self.cache_write
            + long * self.long_cache_write
            + completion_tokens * self.output
        )


class Attempt(msgspec.Struct, gc=False):
    """One deployment that was asked in the course of a call.

    ``model`` is the name under which it was asked (of a fallback: the other model's), ``reason`` why it was this one
    now, ``outcome`` is ``ok``, ``aborted`` or an error's code, empty while it runs. ``began`` and ``ended`` are seconds
    since the call was accepted; an answer has ended when its last event has.
    ``span`` is its id in a distributed trace, where it is in one.
    """

    model: str
    deployment: str
    reason: str
    began: float
    ended: float = 0.0
    outcome: str = ""
    cooled: bool = False
    usage: Usage | None = None
    span: str = ""


class Trace(msgspec.Struct, gc=False):
    """What is measured about one call while it runs; times are ``time.perf_counter()`` seconds, 0.0 = not yet.

    ``price`` is that of the deployment's tokens, ``cost`` (pico-dollars) is there when the call has ended; ``None``:
    not known. ``lost`` is the usage of attempts that were begun beside the one that answered, and paid for all the
    same: ``lost_cost``. ``cache`` says what the cache did: ``hit``, ``semantic-hit``, ``miss``, ``refresh`` or
    ``bypass``; empty where there is none. ``propagated`` are headers for the provider. ``prompt`` is the
    `prompts.Prompt.name` of the prompt that was asked for.
    """

    accepted: float
    deployment: str = ""
    provider_started: float = 0.0
    provider_answered: float = 0.0
    queue_seconds: float = 0.0
    first_token: float = 0.0
    last_token: float = 0.0
    usage: Usage | None = None
    chunks: int = 0
    attempts: tuple[Attempt, ...] = ()
    choices: tuple[Choice, ...] = ()
    lost: Usage | None = None
    price: Price | None = None
    lost_cost: int | None = 0
    cost: int | None = None
    cache: str = ""
    story: Story = msgspec.field(default_factory=Story)
    propagated: tuple[tuple[bytes, bytes], ...] = ()
    prompt: str = ""


class Call(msgspec.Struct, frozen=True):
    """A request on its way through the pipeline: who asks for what, under which id.

    ``session`` is what the client called its session in the header ``x-session-id``; ``cache_control``, ``traceparent``
    ``tracestate`` and ``capture`` (``x-forebay-capture``) are the headers of these names.
    """

    id: str
    request: Request
    principal: Principal
    trace: Trace
    session: str = ""
    cache_control: str = ""
    traceparent: str = ""
    tracestate: str = ""
    capture: str = ""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One piece of a streamed reply: one or more whole server-sent events, exactly as the client will get them.

    ``content`` says whether any of it is part of the answer (text, a tool call), unlike a role, a usage or ``[DONE]``.
    """

    data: bytes
    content: bool = True


class Whole(msgspec.Struct, frozen=True):
    """A reply in one piece: a body, JSON unless it has a ``content_type``, with the usage that stands in it."""

    body: bytes
    usage: Usage | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""


class Events(Protocol):
    """The pieces of a streamed reply, in order.

    Whoever takes them closes them (``contextlib.aclosing``). Closing early, even before the first piece was asked for,
    cancels the work behind them. A plain async generator does not promise that: before its first step there is nothing
    to close; `stream.Primed` does.
    """

    def __aiter__(self) -> "Events":
        """Itself."""
        ...

    def __anext__(self) -> Awaitable[Event]:
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
    """A reply in pieces, the first of which has already arrived when this object exists.

    They are server-sent events unless there is a ``content_type``: then pieces of a body of that type.
    """

    events: Events
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""


Reply = Whole | Stream


class TimeOuts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait for a deployment, in seconds: for a connection, the first token, the next one, all of it."""

    connect: float = 5.0
    first_token: float = 120.0
    between_tokens: float = 60.0
    total: float = 900.0


class Deployment(msgspec.Struct, frozen=True):
    """One model at one provider: ``name`` for people and metrics, ``model`` as the provider knows it.

    ``weight`` is its share among the deployments of a model, where the strategy goes by shares. ``adapter`` is the LoRA
    adapter that the call asks for, if it does; only providers that are `ports.Adapters` see it. Without a ``price``
    nobody knows what it costs, which is not to say that it is free.
    """

    name: str
    provider: str
    model: str
    timeouts: TimeOuts = TimeOuts()
    weight: float = 1.0
    adapter: str = ""
    price: Price | None = None


class Live(msgspec.Struct, gc=False):
    """What is known of a deployment right now, in this process.

    ``running`` calls are under way. ``ttft`` and ``tpot`` are means in seconds that forget (``None``: not measured),
    ``deviation`` how far a TTFT is from its mean, on average; ``measured`` is when that was, in ``time.monotonic()``
    seconds, as all moments here.

    ``out`` says that it is not simply to be asked: it cools down until ``cool_until``, after which one ``probing`` call
    at a time may try it, or a health check found it ``unhealthy`` and says why. ``failures`` are the moments of the
    failures since its last success; ``cooldowns`` counts how often it was taken out. ``trouble`` is the code of the
    error that it was last asked in vain with, empty again when it answers.
    """

    running: int = 0
    ttft: float | None = None
    tpot: float | None = None
    deviation: float = 0.0
    measured: float = 0.0
    out: bool = False
    cool_until: float = 0.0
    probing: bool = False
    unhealthy: str = ""
    failures: tuple[float, ...] = ()
    cooldowns: int = 0
    trouble: str = ""


class Record(msgspec.Struct, frozen=True, gc=False):
    """What is left of a call when it has ended: a line of the log, an observation of the metrics, a row of a ledger.

    Times are seconds; ``None`` where the call never got that far. ``attempts`` are there when one failed, or there were
    several. ``cost`` is in pico-dollars (10⁻¹² dollars), ``None`` where it is not known: never 0 for want of a price.
    ``cache`` is what the cache did, if there is one; ``story`` is everything else; ``prompt`` the
    `prompts.Prompt.name`, if one was asked for.
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
    attempts: tuple[Attempt, ...] = ()
    cost: int | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cache: str = ""
    story: Story | None = None
    prompt: str = ""
