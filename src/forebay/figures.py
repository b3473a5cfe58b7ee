"""What ``/metrics`` tells: this process's counts and gauges, or those of all processes that share a folder."""

from collections.abc import Callable
from pathlib import Path

from forebay.core.ports import Exposing
from forebay.generation import Generation
from forebay.meter.exposition import NOTHING, Families, Gauges, Sums, render
from forebay.meter.guards import GuardCounts
from forebay.meter.guards import render as render_guards
from forebay.meter.journal import Journal, Sink
from forebay.meter.metrics import Metrics
from forebay.meter.shared import Shared


class Figures:
    """The counts go on from one generation to the next, the gauges are those of the ``current`` one, and ``limits``."""

    def __init__(self, current: Callable[[], Generation], folder: Path | None, limits: Callable[[], Gauges]) -> None:
        self._current = current
        self._limits = limits
        self._metrics = Metrics(lambda: current().models)
        self._shared: Shared | None = None
        if folder is not None:
            self._shared = Shared(folder, self._metrics, self._engines, self._families, self._sums)
        self.guards = self._shared.guards if self._shared else GuardCounts()
        self.sinks: list[Sink] = [self._metrics, *([self._shared] if self._shared else [])]

    def text(self, journal: Journal) -> str:
        """Everything up to now, for Prometheus."""
        journal.flush()
        if self._shared is None:
            known = render(self._metrics.snapshot, self._engines(), self._families(), self._sums())
            return known + render_guards(self.guards)
        return render(*self._shared.total()) + render_guards(self._shared.guards_of_all())

    def _engines(self) -> Gauges:
        return {name: gauges for name, each in self._current().providers.items() if (gauges := each.gauges())}

    def _families(self) -> Families:
        return {name: each.families() for name, each in self._current().providers.items() if isinstance(each, Exposing)}

    def _sums(self) -> Sums:
        current = self._current()
        deployments = {
            name: {"running": live.running, "cooling": float(live.out)} for name, live in current.lives.items()
        }
        cache = current.cache
        caches = {cache.kind: cache.gauges()} if cache else NOTHING
        return {"deployment": deployments, "cache": caches, "limits": self._limits()}
