"""How many engine replicas are wanted: enough for the requests under way, and for what these hold in the KV cache.

Serve asks from time to time, keeps to the bounds, and waits until a wish has lasted.
"""

from typing import Any, Final, Protocol

KV_USE: Final = "kv_use"
"""The figure of a replica: which share of its KV cache is in use."""


class Config(Protocol):
    """What Serve was told about scaling."""

    def get_target_ongoing_requests(self) -> float:
        """How many requests a replica is to have under way."""
        ...


class Context(Protocol):
    """As much of `ray.serve.config.AutoscalingContext` as is used."""

    config: Config
    current_num_replicas: int
    target_num_replicas: int
    total_num_requests: float
    aggregated_metrics: dict[str, dict[Any, float]] | None


class EnginePolicy:
    """The larger of two wishes; ``kv_use`` is the share of its KV cache that a replica is to use at most."""

    def __init__(self, kv_use: float) -> None:
        self._kv_use = kv_use

    def __call__(self, context: Context) -> tuple[float, dict[str, Any]]:
        """How many replicas there should be, and what to remember: nothing."""
        if not context.current_num_replicas:
            return context.target_num_replicas, {}
        by_requests = context.total_num_requests / context.config.get_target_ongoing_requests()
        used = (context.aggregated_metrics or {}).get(KV_USE, {})
        return max(by_requests, sum(used.values()) / self._kv_use), {}
