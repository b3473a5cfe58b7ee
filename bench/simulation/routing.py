"""Which engine a request goes to: the rules of `forebay.gateway.strategies`, for engines in place of deployments.

A gateway knows what it has sent itself and nothing of its neighbours, so each has a router of its own.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

PIECE = 128
"""Tokens of its pieces of 512 bytes."""
SESSIONS = 100_000
"""Sessions that a router remembers."""


class Router(Protocol):
    """Chooses an engine by its number."""

    def pick(self, session: int, prompt: int) -> int:
        """The engine for a prompt of so many tokens; it counts as busy from now on."""

    def ended(self, engine: int) -> None:
        """Hear that a request has ended there."""


class AtRandom:
    """Any engine."""

    def __init__(self, engines: int, seed: int) -> None:
        self._engines = engines
        self._random = random.Random(seed)

    def pick(self, session: int, prompt: int) -> int:  # noqa: ARG002 - the protocol's
        """By chance alone."""
        return self._random.randrange(self._engines)

    def ended(self, engine: int) -> None:
        """Nothing is counted."""


class Sticky:
    """The session's own engine, the same for all gateways."""

    def __init__(self, engines: int, seed: int) -> None:  # noqa: ARG002 - chance has no part in it
        self._engines = engines

    def pick(self, session: int, prompt: int) -> int:  # noqa: ARG002 - the protocol's
        """As rendezvous hashing would: evenly, and always the same."""
        return random.Random(session).randrange(self._engines)

    def ended(self, engine: int) -> None:
        """Nothing is counted."""


class LeastBusy:
    """The engine with the fewest requests under way, as far as this gateway knows."""

    def __init__(self, engines: int, seed: int) -> None:
        self._running = np.zeros(engines)
        self._noise = np.random.default_rng(seed)

    def pick(self, session: int, prompt: int) -> int:  # noqa: ARG002 - the protocol's
        """The least busy; among equals chance decides."""
        engine = int(np.argmin(self._running + 1e-6 * self._noise.random(len(self._running))))
        self._running[engine] += 1
        return engine

    def ended(self, engine: int) -> None:
        """One less."""
        self._running[engine] -= 1


class PrefixAware:
    """The share of the prompt that the engine was given before, less its load beside the others'."""

    def __init__(self, engines: int, seed: int) -> None:
        self._running = np.zeros(engines)
        self._noise = np.random.default_rng(seed)
        self._sent: OrderedDict[int, dict[int, int]] = OrderedDict()

    def pick(self, session: int, prompt: int) -> int:
        """The formula of `forebay.gateway.strategies.prefix_aware`, with its default `beta` of 1."""
        scores = self._running / (self._running.mean() + 1) + 1e-6 * self._noise.random(len(self._running))
        pieces, sent = prompt // PIECE, self._sent.pop(session, {})
        for engine, given in sent.items():
            scores[engine] -= min(given, pieces) / (pieces or 1)
        engine = int(np.argmin(scores))
        self._running[engine] += 1
        self._sent[session] = {**sent, engine: pieces}
        if len(self._sent) > SESSIONS:
            self._sent.popitem(last=False)
        return engine

    def ended(self, engine: int) -> None:
        """One less."""
        self._running[engine] -= 1


ROUTERS: Mapping[str, Callable[[int, int], Router]] = {
    "random": AtRandom,
    "least-busy": LeastBusy,
    "sticky": Sticky,
    "prefix-aware": PrefixAware,
}
