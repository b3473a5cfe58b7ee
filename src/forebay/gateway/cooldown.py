"""Leaves a deployment alone that fails, and finds out with one request at a time whether it has recovered.

    closed ──failures──► cooling ──time──► half-open ──success──► closed
                            ▲                  │
                            └─────failure──────┘

Half-open, one call at a time may try it (`Live.probing`). Source: the circuit breaker of Nygard, "Release It!".
"""

import time

from forebay.core.errors import (
    ForebayError,
    RateLimitError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.types import Live
from forebay.gateway.retry import retry_after
from forebay.settings import CoolDownSettings

COUNTED = (UpstreamError, UpstreamTimeoutError, UnavailableError, RateLimitError)
"""What speaks against a deployment; whatever else goes wrong is the request's own fault."""


def why_out(live: Live) -> str:
    """Why ``live``, which is `Live.out`, is not to be asked now; empty if one call may try it."""
    if live.unhealthy:
        return f"unhealthy: {live.unhealthy}"
    left = live.cool_until - time.monotonic()
    if left > 0:
        return f"cooling down for {left:.1f} s"
    return "another request is trying it" if live.probing else ""


def trouble(live: Live) -> str:
    """What speaks against ``live`` now, for whoever runs the server; empty if nothing is known to."""
    if live.out and (why := why_out(live)):
        return why
    return f"its last request failed: {live.trouble}" if live.trouble else ""


def recovers_in(live: Live) -> float:
    """In how many seconds ``live`` may be tried again."""
    return max(0.0, live.cool_until - time.monotonic())


def succeeded(live: Live, *, probe: bool) -> None:
    """It answered; ``probe`` says that this was the call that was let through to try it."""
    if live.failures:
        live.failures = ()
    if probe:
        live.cool_until = 0.0
        live.probing = False
        live.out = bool(live.unhealthy)


def failed(live: Live, error: ForebayError, settings: CoolDownSettings, *, probe: bool) -> bool:
    """It did not, for a reason that is `COUNTED`; whether it cools down from now on."""
    now = time.monotonic()
    told = retry_after(error) if isinstance(error, RateLimitError) else None
    if told is not None:
        return _cool(live, now + min(told, settings.longest), probe=probe)
    if probe:
        return _cool(live, now + settings.duration, probe=True)
    if live.out or not settings.failures:
        return False
    recent = [each for each in live.failures if each > now - settings.window]
    live.failures = (*recent, now)[-settings.failures :]
    return len(live.failures) >= settings.failures and _cool(live, now + settings.duration, probe=False)


def undecided(live: Live) -> None:
    """The call that was let through to try it ended without showing anything: the next one may."""
    live.probing = False


def judged(live: Live, unhealthy: str) -> None:
    """A health check said why it cannot answer, or nothing: then it can. Of a cool-down it says nothing."""
    live.unhealthy = unhealthy
    live.out = bool(unhealthy or live.cool_until or live.probing)


def _cool(live: Live, until: float, *, probe: bool) -> bool:
    fresh = probe or not live.cool_until
    live.out = True
    live.probing = live.probing and not probe
    live.cool_until = max(live.cool_until, until)
    live.failures = ()
    live.cooldowns += fresh
    return fresh
