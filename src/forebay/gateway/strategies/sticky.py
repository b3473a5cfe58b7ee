"""Sends all requests of one session to the same deployment, in any process and after any restart.

Source: rendezvous hashing (Thaler and Ravishankar, "A name-based mapping scheme for rendezvous", 1996), with weights:
each deployment draws a number from its name and the session's, so that one that leaves takes only its own sessions
along, and one that comes takes only those that it wins.
"""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.ports import Candidate
from forebay.core.types import Call
from forebay.gateway.strategies.weighted import drawn
from forebay.plugins import StrategyPlugin

DIGEST_BYTES = 7  # 56 bits: a float holds them exactly, and one more


class StickySettings(msgspec.Struct, frozen=True):
    """It has none."""


class Who(msgspec.Struct):
    """What of a body may name a session; ``prompt_cache_key`` and ``safety_identifier`` replace OpenAI's ``user``."""

    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    user: str | None = None


class Sticky:
    """The session is the header ``x-session-id``, or the body's ``user``, or whoever asks."""

    def score(self, call: Call, candidates: Sequence[Candidate], /) -> Sequence[float]:
        """What each deployment draws for the session."""
        session = blake2b(_session(call).encode(errors="surrogatepass"), digest_size=DIGEST_BYTES)
        return [_score(session.copy(), each) for each in candidates]


def _score(session: "blake2b", candidate: Candidate) -> float:
    session.update(candidate.deployment.name.encode())
    number = int.from_bytes(session.digest(), "big") + 1
    return drawn(number / 256**DIGEST_BYTES, candidate.deployment.weight)


def _session(call: Call) -> str:
    """The same name in another tenant is another session; so is an ``x-session-id`` that looks like a user."""
    if call.session:
        return f"{call.principal.tenant}\nsession\n{call.session}\n"
    try:
        who = msgspec.json.decode(call.request.body, type=Who)
    except MALFORMED:  # of another type; whether that is wrong is for the provider to say
        who = Who()
    if user := who.prompt_cache_key or who.safety_identifier or who.user:
        return f"{call.principal.tenant}\nuser\n{user}\n"
    return f"{call.principal.tenant}\nprincipal\n{call.principal.name}\n"


plugin = StrategyPlugin(settings=StickySettings, build=lambda _settings, _tools: Sticky())
