"""The composition root: the only place where settings become objects, and objects an application.

Settings ─► providers ─► targets ─► Route ─┐
         └► recorders ─► Meter ────────────┴► pipeline ─► endpoints ─► Application
"""

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from forebay.api.application import Application
from forebay.api.explain import PREFIX as REQUEST_PREFIX
from forebay.api.explain import Requests
from forebay.api.hosts import only_local_hosts
from forebay.api.inference import Endpoint, Inference
from forebay.api.models import PREFIX as MODEL_PREFIX
from forebay.api.models import Models
from forebay.api.operations import Operations
from forebay.api.requests import READERS
from forebay.auth.keys import Anonymous, Keys
from forebay.core.ports import Authenticator, Exposing, Handler, Provider, Stage, Strategy
from forebay.core.types import Deployment, Live, Operation, Principal
from forebay.gateway.explain import Explanations
from forebay.gateway.health import HealthChecks
from forebay.gateway.meter import Meter
from forebay.gateway.pipeline import compose
from forebay.gateway.route import WILDCARD, Route
from forebay.gateway.target import Model, Target
from forebay.meter.exposition import Families, Gauges, render
from forebay.meter.journal import Journal, Sink
from forebay.meter.log import JsonLog, TextLog
from forebay.meter.metrics import Metrics
from forebay.meter.shared import Shared
from forebay.plugins import Tools, provider_plugin, strategy_plugin
from forebay.settings import (
    AuthSettings,
    DeploymentSettings,
    HealthSettings,
    LogSettings,
    ModelSettings,
    Section,
    Settings,
)
from forebay.web.static import Pages

Endpoints = dict[str, dict[str, Endpoint]]


def application(settings: Settings, shared: Path | None = None) -> Application:
    """Everything that ``settings`` describe, ready to be served; nothing has been started yet.

    ``shared`` is a folder where the processes of one server leave their figures.

    Raises:
        SettingsError: a provider's section is not what its plug-in reads.
        UnknownKindError: a provider is of a kind that no installed package has.
    """
    return assemble(settings, build_providers(settings), shared)


def assemble(settings: Settings, providers: Mapping[str, Provider], shared: Path | None = None) -> Application:
    """The application around ``providers``."""
    figures = Figures(providers, shared)
    journal = Journal([*figures.sinks, *_logs(settings.log)])
    return _exposed(settings, providers, figures, journal, (Meter([journal]),))


def host_application(settings: Settings, shared: Path) -> Application:
    """The same for a process that only workers ask: they meter, it tells its gauges."""
    providers = build_providers(settings)
    figures = Figures(providers, shared)
    return _exposed(settings, providers, figures, Journal(figures.sinks), ())


def _exposed(
    settings: Settings, providers: Mapping[str, Provider], figures: "Figures", journal: Journal, stages: Sequence[Stage]
) -> Application:
    models = build_models(settings, providers)
    explanations = Explanations()
    route = Route(models, explanations)
    authenticator = build_authenticator(settings.auth)
    endpoints = {
        **_inference(authenticator, compose(stages, route)),
        **_models(authenticator, route),
        **_explanations(authenticator, explanations),
        **_operations(authenticator, providers, lambda: figures.text(journal)),
    }
    if not settings.auth.keys:
        endpoints = {
            path: {method: only_local_hosts(endpoint) for method, endpoint in methods.items()}
            for path, methods in endpoints.items()
        }
    pages = Pages()
    checks = HealthChecks(_watched(settings, models))
    return Application(
        endpoints, {"GET": pages, "HEAD": pages}, lambda: started([*providers.values()], checks, journal)
    )


def _inference(authenticator: Authenticator, ask: Handler) -> Endpoints:
    return {
        f"/v1/{operation.value}": {"POST": Inference(READERS[operation], authenticator, ask)} for operation in Operation
    }


def _models(authenticator: Authenticator, route: Route) -> Endpoints:
    models = Models(route, authenticator, int(time.time()))
    return {"/v1/models": {"GET": models.list}, MODEL_PREFIX: {"GET": models.show}}


def _explanations(authenticator: Authenticator, explanations: Explanations) -> Endpoints:
    return {REQUEST_PREFIX: {"GET": Requests(explanations, authenticator).route}}


def _operations(
    authenticator: Authenticator, providers: Mapping[str, Provider], figures: Callable[[], str]
) -> Endpoints:
    def failures() -> Mapping[str, str]:
        return {name: failure for name, provider in providers.items() if (failure := provider.failure())}

    operations = Operations(authenticator, failures, figures)
    return {
        "/health": {"GET": operations.health, "HEAD": operations.health},
        "/ready": {"GET": operations.ready, "HEAD": operations.ready},
        "/metrics": {"GET": operations.metrics},
    }


class Figures:
    """What ``/metrics`` tells: this process's counts and gauges, or those of all processes that share a folder."""

    def __init__(self, providers: Mapping[str, Provider], folder: Path | None) -> None:
        self._providers = providers
        self._metrics = Metrics()
        self._shared = Shared(folder, self._metrics, self._gauges, self._families) if folder else None
        self.sinks: list[Sink] = [self._metrics, *([self._shared] if self._shared else [])]

    def text(self, journal: Journal) -> str:
        """Everything up to now, for Prometheus."""
        journal.flush()
        if self._shared is None:
            return render(self._metrics.snapshot, self._gauges(), self._families())
        return render(*self._shared.total())

    def _gauges(self) -> Gauges:
        return {name: gauges for name, provider in self._providers.items() if (gauges := provider.gauges())}

    def _families(self) -> Families:
        return {name: each.families() for name, each in self._providers.items() if isinstance(each, Exposing)}


def build_providers(settings: Settings) -> dict[str, Provider]:
    """The providers that ``settings`` name, by name."""
    found: dict[str, Provider] = {}
    for name, section in settings.providers.items():
        plugin = provider_plugin(section.kind)
        found[name] = plugin.build(name, section.read(plugin.settings))
    return found


def build_models(settings: Settings, providers: Mapping[str, Provider]) -> dict[str, Model]:
    """The models that ``settings`` name, each with its deployments and who runs them.

    Raises:
        SettingsError: a strategy's section is not what its plug-in reads.
        UnknownKindError: a strategy is of a kind that no installed package has.
    """
    lives: dict[str, Live] = {}
    return {name: _model(name, entry, providers, lives) for name, entry in settings.models.items()}


def _model(name: str, settings: ModelSettings, providers: Mapping[str, Provider], lives: dict[str, Live]) -> Model:
    deployments = [_deployment(name, each) for each in settings.deployments]
    targets = [Target(each, providers[each.provider], lives.setdefault(each.name, Live())) for each in deployments]
    return Model(
        name,
        tuple(targets),
        _strategy(settings.strategy),
        settings.retries,
        settings.cool_down,
        settings.fallbacks,
        settings.hedge,
    )


def _strategy(section: Section | None) -> Strategy | None:
    if section is None:
        return None
    plugin = strategy_plugin(section.kind)
    return plugin.build(section.read(plugin.settings), Tools(Random(), unknown_cost))  # noqa: S311  # it spreads load


def unknown_cost(_deployment: Deployment) -> float | None:
    """No deployment has a price yet."""
    return None


def _watched(settings: Settings, models: Mapping[str, Model]) -> Iterator[tuple[Target, HealthSettings]]:
    for name, entry in settings.models.items():
        if entry.health is not None:
            yield from ((target, entry.health) for target in models[name].targets)


def build_authenticator(settings: AuthSettings) -> Authenticator:
    """Keys if there are any, else everybody."""
    if not settings.keys:
        return Anonymous()
    return Keys.of(
        (
            key.key.reveal(),
            Principal(key.name, key.tenant, frozenset(key.models) if key.models is not None else None),
        )
        for key in settings.keys
    )


@contextlib.asynccontextmanager
async def started(providers: Iterable[Provider], checks: HealthChecks, journal: Journal) -> AsyncIterator[None]:
    """Providers, checks and journal run inside of this context, and are closed in the opposite order after it."""
    async with contextlib.AsyncExitStack() as stack:
        await journal.start()
        stack.push_async_callback(journal.close)
        for provider in providers:
            stack.push_async_callback(provider.close)
            await provider.start()
        await stack.enter_async_context(checks)
        yield


def _deployment(name: str, settings: DeploymentSettings) -> Deployment:
    model = settings.model or ("*" if name.endswith(WILDCARD) else name)
    return Deployment(f"{settings.provider}/{model}", settings.provider, model, settings.timeouts, settings.weight)


def _logs(settings: LogSettings) -> list[TextLog | JsonLog]:
    if not settings.requests:
        return []
    return [JsonLog(sys.stdout) if settings.format == "json" else TextLog(sys.stdout)]
