"""Whether and when to ask again: exponential back-off with full jitter, and what an upstream asks for.

Sources: Brooker, "Exponential backoff and jitter" (AWS, 2015); RFC 9110, section 10.2.3 (Retry-After); OpenAI's clients
know ``retry-after-ms`` too.
"""

import email.utils
import math
from datetime import UTC, datetime
from random import Random

from forebay.core.errors import ForebayError
from forebay.settings import RetrySettings


def pause(error: ForebayError, turn: int, settings: RetrySettings, random: Random) -> float | None:
    """How many seconds to wait after ``error`` before the ``turn``-th retry (from 1), ``None`` for none at all."""
    if turn > settings.max or error.code not in settings.errors:
        return None
    jitter: float = random.random() * min(settings.cap, settings.base * 2.0 ** (turn - 1))
    told = retry_after(error)
    if told is None:
        return jitter
    return told + jitter if told <= settings.cap else None


def retry_after(error: ForebayError) -> float | None:
    """What ``error`` asks to wait, in seconds; ``None`` if it does not, or in no form that is known."""
    headers = error.headers
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after")
    if not told:
        return None
    seconds = _number(told)
    return _until(told) if seconds is None else seconds


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(date: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
