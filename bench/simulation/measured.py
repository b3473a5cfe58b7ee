"""What was measured, from `measured.json`: the only numbers about Forebay that the simulation knows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec


class Level(msgspec.Struct, frozen=True):
    """One point of an engine's curve: so many requests always under way."""

    at_once: int
    requests: int
    tokens_per_s: float
    ttft_p50_ms: float
    tpot_p50_ms: float


class Curve(msgspec.Struct, frozen=True):
    """Points of one run."""

    source: str
    curve: Sequence[Level]


class Prefill(msgspec.Struct, frozen=True):
    """What a token of a prompt takes, a step that computes nothing else, and a request besides."""

    source: str
    ms_per_token: float
    step_ms: float
    request_ms: float


class Decode(msgspec.Struct, frozen=True):
    """What a step takes in which so many sequences get a token each."""

    source: str
    step_ms: Sequence[tuple[int, float]]


class SecondTurn(msgspec.Struct, frozen=True):
    """A chat's second turn, whose beginning is in the prefix cache."""

    source: str
    cached_tokens: int
    new_tokens: int
    first_ttft_ms: float
    ttft_ms: float


class Limits(msgspec.Struct, frozen=True):
    """The engine's settings, as they are by default."""

    source: str
    max_running: int
    max_batched_tokens: int
    block: int
    kv_tokens_per_256_mib: int


class EngineFigures(msgspec.Struct, frozen=True):
    """The embedded engine on ``cores`` cores."""

    source: str
    curve: Sequence[Level]
    again: Curve
    prefill: Prefill
    decode: Decode
    second_turn: SecondTurn
    limits: Limits
    cores: int

    def step_seconds(self) -> list[float]:
        """What a step takes with 0, 1, ... ``max_running`` sequences that are decoded; between points a line."""
        points = [(0, self.prefill.step_ms), *self.decode.step_ms]
        found = [self.prefill.step_ms]
        for (low, less), (high, more) in pairwise(points):
            found += [less + (more - less) * (n - low) / (high - low) for n in range(low + 1, high + 1)]
        return [each / 1e3 for each in found]


class GatewayFigures(msgspec.Struct, frozen=True):
    """The gateway in front of a provider that takes no time."""

    source: str
    requests_per_core_s: float


class RedisFigures(msgspec.Struct, frozen=True):
    """Microseconds of Redis's one thread."""

    source: str
    admission_us: Mapping[str, float]
    cache_get_us: float
    cache_put_us: float
    round_trip_ms: float


class Batch(msgspec.Struct, frozen=True):
    """Rows of the ledger in one transaction."""

    rows: int
    us_per_row: float
    rows_per_s: float


class PostgresFigures(msgspec.Struct, frozen=True):
    """PostgreSQL with the ledger's rows."""

    source: str
    batches: Sequence[Batch]
    deliver_s: float


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    engine: EngineFigures
    gateway: GatewayFigures
    redis: RedisFigures
    postgresql: PostgresFigures


def measured() -> Measured:
    """What the file says."""
    return msgspec.json.decode(Path(__file__).with_name("measured.json").read_bytes(), type=Measured)
