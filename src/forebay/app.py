"""The composition root: the only place where settings become objects, and objects an application.

Settings ─► Generation: providers, models ─► Route ─┐
         └► recorders ─► Meter ─────────────────────┴► pipeline ─► endpoints ─► Application
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from forebay.accounts import Accounts, build_issuer, metadata_url
from forebay.api import stored, watermark
from forebay.api.adapters import AdapterEndpoints
from forebay.api.admin import Admin
from forebay.api.anthropic import messages
from forebay.api.application import Application
from forebay.api.caches import PATH as CACHE_PATH
from forebay.api.caches import PREFIX as CACHE_PREFIX
from forebay.api.caches import CacheEndpoints
from forebay.api.explain import PREFIX as REQUEST_PREFIX
from forebay.api.explain import Requests
from forebay.api.guards import check, moderations
from forebay.api.guards import guardrails as guardrails_api
from forebay.api.guards.guardrails import Guardrails
from forebay.api.hosts import only_local_hosts
from forebay.api.http import Endpoint
from forebay.api.inference import Inference
from forebay.api.keys import AUDIT_PATH, KeyEndpoints
from forebay.api.keys import PATH as KEYS_PATH
from forebay.api.keys import PREFIX as KEY_PREFIX
from forebay.api.models import PREFIX as MODEL_PREFIX
from forebay.api.models import Models
from forebay.api.operations import Operations
from forebay.api.requests import FORM_READERS, READERS
from forebay.api.responses import exchange as responses
from forebay.api.stored import Stored
from forebay.api.translated import Reader, Translated
from forebay.api.usage import PATH as USAGE_PATH
from forebay.api.usage import UsageEndpoint
from forebay.api.wellknown import PATH as RESOURCE_PATH
from forebay.api.wellknown import ProtectedResource
from forebay.core.ports import Authenticator, Handler, Provider, Stage, Store
from forebay.core.types import Operation
from forebay.figures import Figures
from forebay.gateway.adapters import AdapterManager
from forebay.gateway.admit import Admit
from forebay.gateway.cache.asked import Reader as CacheReader
from forebay.gateway.cache.judge import LABEL as JUDGING
from forebay.gateway.cache.judge import PRINCIPAL as JUDGE
from forebay.gateway.cache.judge import Judge
from forebay.gateway.cache.shadow import Shadow
from forebay.gateway.cache.stage import Cache
from forebay.gateway.cache.warm import Warmer
from forebay.gateway.explain import Explanations
from forebay.gateway.guard import Guard
from forebay.gateway.guarding.trial import Trial
from forebay.gateway.inward import Inward
from forebay.gateway.meter import Meter
from forebay.gateway.permit import Permit
from forebay.gateway.pipeline import compose
from forebay.gateway.route import Route
from forebay.gateway.stored import Keepers
from forebay.gateway.watermark import Watermarks
from forebay.generation import Generation, around, generation
from forebay.meter.audit import Audit
from forebay.meter.journal import Journal
from forebay.meter.log import JsonLog, TextLog
from forebay.reload import UNUSABLE, Service, Source
from forebay.settings import IssuedKeySettings, LogSettings, Settings

Endpoints = dict[str, dict[str, Endpoint]]


def application(settings: Settings, shared: Path | None = None, source: Source | None = None) -> Application:
    """Everything that ``settings`` describe, ready to be served; nothing has been started yet.

    ``shared`` is a folder where the processes of one server leave their figures; ``source`` is where other settings
    come from while it runs.

    Raises:
        SettingsError: a section is not what its plug-in reads, or of a kind that is not installed.
    """
    return Process(generation(settings), shared, source).service.application


def assemble(settings: Settings, providers: Mapping[str, Provider], shared: Path | None = None) -> Application:
    """The application around ``providers``."""
    return Process(around(settings, providers), shared, None).service.application


def host_application(settings: Settings, shared: Path) -> Application:
    """The same for a process that only workers ask: they meter, it tells its gauges."""
    return Host(generation(settings), shared, None).service.application


class Process:
    """What lives as long as the process, whatever its configuration: figures, journal, explanations, the service."""

    def __init__(self, first: Generation, shared: Path | None, source: Source | None) -> None:
        self._source = source
        self._figures = Figures(lambda: self.service.current, shared)
        log = first.settings.log
        self._audit = Audit(self._figures.guards, sys.stdout if log.guards else None, log.format)
        self._journal = Journal([self._audit.flush, *self._figures.sinks, *_logs(log)])
        self._explanations = Explanations()
        self._accounts = Accounts(first.settings)
        self._store = self._accounts.store
        self._admit = Admit()
        self.service = Service(first, self._endpoints, (self._journal, self._accounts), source)

    def _meter(self) -> Sequence[Stage]:
        meter = Meter([self._journal, self._store.recorder] if self._store else [self._journal])
        return (meter, Watermarks())

    def _before_cache(self, current: Generation) -> Sequence[Stage]:
        auth = current.settings.auth
        permits = (Permit(metadata_url(auth)),) if auth.scoped else ()
        guards = (Guard(current.policies, self._audit, current.tools.beside),) if current.policies.all else ()
        admit = (self._admit,) if auth.issued_keys else ()
        return (*permits, *admit, *guards)

    def _stages(self, current: Generation, route: Route) -> Sequence[Stage]:
        meter = self._meter()
        return (*meter, *self._before_cache(current), *_cache(current, route, compose(meter, route)))

    def _keeping(self, current: Generation) -> Handler:
        """The pipeline of what names no model."""
        keepers = Keepers(current.providers, current.models, current.settings.files, self._explanations)
        return compose((*self._meter(), *self._before_cache(current)), keepers)

    async def _change(self, text: str) -> bool:
        return await self.service.change(text)

    def _endpoints(self, current: Generation) -> Endpoints:
        """All endpoints of one generation."""
        auth = current.settings.auth
        route = Route(current.models, self._explanations, prices=current.prices)
        authenticator = self._accounts.authenticator(auth)
        ask = compose(self._stages(current, route), route)
        current.tools.bind(compose(self._meter(), route))
        endpoints = {
            **_inference(authenticator, ask),
            **_stored(authenticator, self._keeping(current)),
            **_translated(authenticator, ask),
            **_models(authenticator, route),
            **_watermarks(authenticator, route, current),
            **_explanations(authenticator, self._explanations),
            **_operations(authenticator, current.providers, lambda: self._figures.text(self._journal)),
        }
        endpoints |= _guards(authenticator, current)
        if self._store is not None:
            endpoints[USAGE_PATH] = {"GET": UsageEndpoint(self._store.usage, authenticator)}
            endpoints |= _keys(authenticator, self._store, auth.issued_keys)
        if auth.issuers and auth.resource:
            endpoints[RESOURCE_PATH] = {"GET": ProtectedResource(auth)}
        if self._source is not None:
            admin = Admin(authenticator, self._change, UNUSABLE)
            endpoints["/admin/config"] = {"PUT": admin.configure}
        endpoints |= _cache_endpoints(current, route, authenticator)
        if auth.required:
            return endpoints
        return {
            path: {method: only_local_hosts(endpoint) for method, endpoint in methods.items()}
            for path, methods in endpoints.items()
        }


def _cache_endpoints(current: Generation, route: Route, authenticator: Authenticator) -> Endpoints:
    settings, keeper = current.settings.cache, current.cache
    if settings is None or keeper is None:
        return {}
    caches = CacheEndpoints(
        authenticator, keeper, Warmer(route.model, CacheReader(settings, current.identities()), keeper)
    )
    return {
        CACHE_PATH: {"GET": caches.stats, "DELETE": caches.clear},
        CACHE_PREFIX: {"GET": caches.read, "DELETE": caches.delete, "POST": caches.warm},
    }


class Host(Process):
    """A process that only workers ask."""

    def _meter(self) -> Sequence[Stage]:
        return ()

    def _before_cache(self, current: Generation) -> Sequence[Stage]:  # noqa: ARG002  # they have done all of it
        return ()


def _cache(current: Generation, route: Route, afresh: Handler) -> Sequence[Stage]:
    """The stage of the cache, if there is one; ``afresh`` answers without it."""
    settings, keeper = current.settings.cache, current.cache
    if settings is None or keeper is None:
        return ()
    semantic = settings.semantic
    shadow = Shadow(afresh, keeper, semantic) if semantic is not None and semantic.shadow else None
    judge = None
    if semantic is not None and semantic.judge is not None:
        judge = Judge(Inward(JUDGE, afresh, JUDGING), semantic.judge, keeper.counts)
    reader = CacheReader(settings, current.identities())
    return (Cache(route.model, reader, keeper, settings.max_entry, shadow, judge),)


def _inference(authenticator: Authenticator, ask: Handler) -> Endpoints:
    return {
        f"/v1/{operation.value}": {"POST": Inference(read, authenticator, ask, FORM_READERS.get(operation))}
        for operation, read in READERS.items()
    }


def _stored(authenticator: Authenticator, ask: Handler) -> Endpoints:
    files = Stored(Operation.FILES, authenticator, ask)
    batches = Stored(Operation.BATCHES, authenticator, ask)
    return {
        "/v1/files": {"POST": files.upload, "GET": files.list},
        stored.prefix(Operation.FILES): {"GET": files.one, "DELETE": files.one},
        "/v1/batches": {"POST": batches.create, "GET": batches.list},
        stored.prefix(Operation.BATCHES): {"GET": batches.one, "POST": batches.one},
    }


def _translated(authenticator: Authenticator, ask: Handler) -> Endpoints:
    anthropic: dict[str, Reader] = {messages.PATH: messages.Messages.read, messages.COUNT_PATH: messages.read_count}
    openai: dict[str, Reader] = {
        responses.PATH: responses.Responses.read,
        responses.COUNT_PATH: responses.read_count,
    }
    return {
        path: {"POST": Translated(read, authenticator, ask, id_headers)}
        for readers, id_headers in ((anthropic, messages.ID_HEADERS), (openai, ()))
        for path, read in readers.items()
    }


def _models(authenticator: Authenticator, route: Route) -> Endpoints:
    manager = AdapterManager(route)
    models = Models(route, manager, authenticator, int(time.time()))
    adapters = AdapterEndpoints(manager, authenticator)
    return {
        "/v1/models": {"GET": models.list},
        MODEL_PREFIX: {"GET": models.show},
        "/v1/load_lora_adapter": {"POST": adapters.load},
        "/v1/unload_lora_adapter": {"POST": adapters.unload},
    }


def _watermarks(authenticator: Authenticator, route: Route, current: Generation) -> Endpoints:
    marked = current.marked
    if not (current.settings.watermark.keys or marked):
        return {}
    from forebay.detection import detection  # noqa: PLC0415  # NumPy comes with an extra

    return {watermark.PATH: {"POST": detection(current.settings.watermark, marked, route, authenticator)}}


def _explanations(authenticator: Authenticator, explanations: Explanations) -> Endpoints:
    return {REQUEST_PREFIX: {"GET": Requests(explanations, authenticator).route}}


def _guards(authenticator: Authenticator, current: Generation) -> Endpoints:
    """What asks guards without a model; none where there is no guard."""
    if not current.policies.all:
        return {}
    trial = Trial(current.policies)
    guardrails = Guardrails(trial, authenticator)
    endpoints: Endpoints = {
        check.PATH: {"POST": check.GuardCheck(trial, authenticator).check},
        guardrails_api.PATH: {"GET": guardrails.list},
        guardrails_api.PREFIX: {"POST": guardrails.validate, "GET": guardrails.history},
    }
    if categories := current.settings.moderations:
        endpoints[moderations.PATH] = {"POST": moderations.Moderations(trial, authenticator, categories).answer}
    return endpoints


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


def _keys(authenticator: Authenticator, store: Store, settings: IssuedKeySettings | None) -> Endpoints:
    if settings is None:
        return {}
    keys = KeyEndpoints(build_issuer(store, settings), store.admin_log, authenticator)
    return {
        KEYS_PATH: {"GET": keys.list, "POST": keys.create},
        KEY_PREFIX: {"GET": keys.show, "POST": keys.rotate, "DELETE": keys.revoke},
        AUDIT_PATH: {"GET": keys.audit},
    }


def _logs(settings: LogSettings) -> list[TextLog | JsonLog]:
    if not settings.requests:
        return []
    return [JsonLog(sys.stdout) if settings.format == "json" else TextLog(sys.stdout)]
