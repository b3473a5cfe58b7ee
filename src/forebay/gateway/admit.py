"""The stage that refuses what is too much: requests and tokens a minute, and requests at once, of each principal.

Buckets that fill evenly: a limit of 60 a minute lets 60 through at once and then one a second. The tokens that a
request may take are reserved when it comes and settled when it ends, so that many at once cannot go far beyond the
limit. Every process counts for itself.
"""

import math
import time
from collections.abc import Callable
from typing import Final, Self

import msgspec

from forebay.core.errors import RateLimitError
from forebay.core.ports import Handler
from forebay.core.types import Call, Event, Events, Limits, Reply, Request, Stream, Whole

MINUTE: Final = 60.0
BYTES_OF_TOKEN: Final = 4
MOST_PRINCIPALS: Final = 10_000
PREFIX: Final = "x-ratelimit-"

Headers = tuple[tuple[str, str], ...]


class Bucket:
    """So much a minute; ``level`` is what is left now, less than nothing if more was taken than was reserved."""

    __slots__ = ("_at", "level")

    def __init__(self, limit: int, now: float) -> None:
        self.level = float(limit)
        self._at = now

    def fill(self, limit: int, now: float) -> None:
        """Let the time since the last call have its effect."""
        self.level = min(self.level + (now - self._at) * limit / MINUTE, limit)
        self._at = now

    def wait(self, amount: float, limit: int) -> float:
        """After how many seconds ``amount`` will be there; 0 if it is."""
        return max(0.0, (amount - self.level) * MINUTE / limit)


class _Used:
    """What one principal is using."""

    __slots__ = ("requests", "running", "tokens")

    def __init__(self) -> None:
        self.requests: Bucket | None = None
        self.tokens: Bucket | None = None
        self.running = 0


class _Tokens(msgspec.Struct, gc=False):
    """The fields of a request by which it says how long an answer it takes."""

    max_tokens: int | None = None
    max_completion_tokens: int | None = None


class Admit:
    """Lets calls through while their principal's limits allow it; one without limits costs nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[tuple[str, str], _Used] = {}

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        """Answer ``call``; the reply's headers say what is left, as OpenAI's do.

        Raises:
            RateLimitError: it is too much; ``retry-after`` says when it will not be.
        """
        limits = call.principal.limits
        if limits is None:
            return await ask(call)
        used = self._of(call)
        reserved = self._take(used, limits, call.request)
        headers = _headers(used, limits)
        done = _Once(lambda: self._settle(used, limits, call, reserved))
        try:
            reply = await ask(call)
        except BaseException:
            done()
            raise
        headers = (*(each for each in reply.headers if not each[0].lower().startswith(PREFIX)), *headers)
        if isinstance(reply, Whole):
            done()
            return msgspec.structs.replace(reply, headers=headers)
        return Stream(_Admitted(reply.events, done), headers, reply.content_type)

    def _of(self, call: Call) -> _Used:
        name = (call.principal.tenant, call.principal.name)
        used = self._used.get(name)
        if used is None:
            if len(self._used) >= MOST_PRINCIPALS:
                self._used = {key: each for key, each in self._used.items() if each.running}
            used = self._used[name] = _Used()
        return used

    def _take(self, used: _Used, limits: Limits, request: Request) -> int:
        """Take everything or, where one thing is too much, nothing; how many tokens were reserved."""
        now = self._clock()
        if limits.parallel is not None and used.running >= limits.parallel:
            raise RateLimitError(
                f"Too many requests at once: the limit is {limits.parallel}.", headers={"retry-after": "1"}
            )
        wanted = estimate(request) if limits.tpm is not None else 0
        used.requests = _filled(used.requests, limits.rpm, now)
        used.tokens = _filled(used.tokens, limits.tpm, now)
        for bucket, limit, amount, what in (
            (used.requests, limits.rpm, 1, "requests"),
            (used.tokens, limits.tpm, wanted, "tokens"),
        ):
            if bucket is not None and limit is not None:
                _check(bucket, limit, amount, what)
        if used.requests is not None:
            used.requests.level -= 1
        if used.tokens is not None:
            used.tokens.level -= wanted
        used.running += 1
        return wanted

    def _settle(self, used: _Used, limits: Limits, call: Call, reserved: int) -> None:
        used.running -= 1
        if used.tokens is not None and limits.tpm is not None:
            usage = call.trace.usage
            taken = usage.total_tokens if usage is not None else call.trace.chunks
            used.tokens.fill(limits.tpm, self._clock())
            used.tokens.level = min(used.tokens.level + reserved - taken, limits.tpm)


class _Once:
    """Does something the first time only, whichever of a stream's ends comes first."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work

    def __call__(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work()


class _Admitted:
    """A stream that settles at whatever end it has."""

    __slots__ = ("_done", "_events")

    def __init__(self, events: Events, done: _Once) -> None:
        self._events = events
        self._done = done

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self._events.__anext__()
        except BaseException:
            self._done()
            raise

    async def aclose(self) -> None:
        """Close what is behind."""
        try:
            await self._events.aclose()
        finally:
            self._done()


def estimate(request: Request) -> int:
    """About how many tokens ``request`` takes: those of its body, and as many more as it asks for."""
    try:
        asked = msgspec.json.decode(request.body, type=_Tokens)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a form, or a field that the provider will refuse
        asked = _Tokens()
    most = asked.max_completion_tokens or asked.max_tokens or 0
    return len(request.body) // BYTES_OF_TOKEN + max(0, most)


def _filled(bucket: Bucket | None, limit: int | None, now: float) -> Bucket | None:
    if limit is None:
        return None
    if bucket is None:
        return Bucket(limit, now)
    bucket.fill(limit, now)
    return bucket


def _check(bucket: Bucket, limit: int, amount: int, what: str) -> None:
    if amount > limit:
        raise RateLimitError(f"This request takes about {amount} {what}; the limit is {limit} a minute.", code=what)
    wait = bucket.wait(amount, limit)
    if wait > 0:
        after = math.ceil(wait)
        raise RateLimitError(
            f"Too many {what}: the limit is {limit} a minute; try again in {after} s.",
            headers={"retry-after": str(after), **dict(_told(bucket, limit, what))},
        )


def _headers(used: _Used, limits: Limits) -> Headers:
    found: Headers = ()
    if used.requests is not None and limits.rpm is not None:
        found += _told(used.requests, limits.rpm, "requests")
    if used.tokens is not None and limits.tpm is not None:
        found += _told(used.tokens, limits.tpm, "tokens")
    return found


def _told(bucket: Bucket, limit: int, what: str) -> Headers:
    """OpenAI's headers: the limit, what is left, and when all of it will be there again."""
    return (
        (f"{PREFIX}limit-{what}", str(limit)),
        (f"{PREFIX}remaining-{what}", str(max(0, math.floor(bucket.level)))),
        (f"{PREFIX}reset-{what}", f"{bucket.wait(limit, limit):.3f}s"),
    )
