"""The composition root: the only place where settings become objects, and objects an application.

Settings ─► providers ─► targets ─► Route ─┐
         └► recorders ─► Meter ────────────┴► pipeline ─► endpoints ─► Application
"""

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path

from forebay.api.application import Application
from forebay.api.hosts import only_local_hosts
from forebay.api.inference import Endpoint, Inference
from forebay.api.models import PREFIX as MODEL_PREFIX
from forebay.api.models import Models
from forebay.api.operations import Operations
from forebay.api.requests import READERS
from forebay.auth.keys import Anonymous, Keys
from forebay.core.ports import Authenticator, Handler, Provider, Stage
from forebay.core.types import Deployment, Operation, Principal
from forebay.gateway.meter import Meter
from forebay.gateway.pipeline import compose
from forebay.gateway.route import WILDCARD, Route, Target
from forebay.meter.exposition import Gauges, render
from forebay.meter.journal import Journal, Sink
from forebay.meter.log import JsonLog, TextLog
from forebay.meter.metrics import Metrics
from forebay.meter.shared import Shared
from forebay.plugins import provider_plugin
from forebay.settings import AuthSettings, DeploymentSettings, LogSettings, Settings
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
    route = Route(targets(settings, providers))
    authenticator = build_authenticator(settings.auth)
    endpoints = {
        **_inference(authenticator, compose(stages, route)),
        **_models(authenticator, route),
        **_operations(authenticator, providers, lambda: figures.text(journal)),
    }
    if not settings.auth.keys:
        endpoints = {
            path: {method: only_local_hosts(endpoint) for method, endpoint in methods.items()}
            for path, methods in endpoints.items()
        }
    pages = Pages()
    return Application(endpoints, {"GET": pages, "HEAD": pages}, lambda: started([*providers.values()], journal))


def _inference(authenticator: Authenticator, ask: Handler) -> Endpoints:
    return {
        f"/v1/{operation.value}": {"POST": Inference(READERS[operation], authenticator, ask)} for operation in Operation
    }


def _models(authenticator: Authenticator, route: Route) -> Endpoints:
    models = Models(route, authenticator, int(time.time()))
    return {"/v1/models": {"GET": models.list}, MODEL_PREFIX: {"GET": models.show}}


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
        self._shared = Shared(folder, self._metrics, self._gauges) if folder else None
        self.sinks: list[Sink] = [self._metrics, *([self._shared] if self._shared else [])]

    def text(self, journal: Journal) -> str:
        """Everything up to now, for Prometheus."""
        journal.flush()
        if self._shared is None:
            return render(self._metrics.snapshot, self._gauges())
        return render(*self._shared.total())

    def _gauges(self) -> Gauges:
        return {name: gauges for name, provider in self._providers.items() if (gauges := provider.gauges())}


def build_providers(settings: Settings) -> dict[str, Provider]:
    """The providers that ``settings`` name, by name."""
    found: dict[str, Provider] = {}
    for name, section in settings.providers.items():
        plugin = provider_plugin(section.kind)
        found[name] = plugin.build(name, section.read(plugin.settings))
    return found


def targets(settings: Settings, providers: Mapping[str, Provider]) -> dict[str, list[Target]]:
    """Model names, each with its deployments and who runs them."""
    return {
        model: [Target(_deployment(model, each), providers[each.provider]) for each in entry.deployments]
        for model, entry in settings.models.items()
    }


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
async def started(providers: Iterable[Provider], journal: Journal) -> AsyncIterator[None]:
    """Providers and journal run inside of this context, and are closed in the opposite order after it."""
    async with contextlib.AsyncExitStack() as stack:
        await journal.start()
        stack.push_async_callback(journal.close)
        for provider in providers:
            stack.push_async_callback(provider.close)
            await provider.start()
        yield


def _deployment(name: str, settings: DeploymentSettings) -> Deployment:
    model = settings.model or ("*" if name.endswith(WILDCARD) else name)
    return Deployment(f"{settings.provider}/{model}", settings.provider, model, settings.timeouts)


def _logs(settings: LogSettings) -> list[TextLog | JsonLog]:
    if not settings.requests:
        return []
    return [JsonLog(sys.stdout) if settings.format == "json" else TextLog(sys.stdout)]
