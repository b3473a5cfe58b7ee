"""The composition root: the only place where settings become objects, and objects an application.

Settings ─► Generation: providers, models ─► Route ─┐
         └► recorders ─► Meter ─────────────────────┴► pipeline ─► endpoints ─► Application
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from forebay import endpoints, sharing
from forebay.accounts import Accounts, metadata_url
from forebay.api.admin import Admin
from forebay.api.application import Application
from forebay.api.captures import PATH as CAPTURES_PATH
from forebay.api.captures import PREFIX as CAPTURE_PREFIX
from forebay.api.captures import CaptureEndpoints
from forebay.api.conversations.asked import Asked
from forebay.api.cors import Application as Asgi
from forebay.api.cors import Cors
from forebay.api.http import Endpoint
from forebay.api.refusals import Refused, unmetered
from forebay.api.requestlog import RequestEndpoints
from forebay.api.series import PATH as SERIES_PATH
from forebay.api.series import SeriesEndpoint
from forebay.api.usage import PATH as USAGE_PATH
from forebay.api.usage import UsageEndpoint
from forebay.api.wellknown import PATH as RESOURCE_PATH
from forebay.api.wellknown import ProtectedResource
from forebay.auth.trail import Trail
from forebay.capturing import Captures
from forebay.conversing import Conversing
from forebay.core.ports import Authenticator, Handler, Provider, Stage
from forebay.core.requestlog import RequestLog
from forebay.core.store import Store
from forebay.figures import Figures
from forebay.gateway.cache.asked import Reader as CacheReader
from forebay.gateway.cache.judge import LABEL as JUDGING
from forebay.gateway.cache.judge import PRINCIPAL as JUDGE
from forebay.gateway.cache.judge import Judge
from forebay.gateway.cache.shadow import Shadow
from forebay.gateway.cache.stage import Cache
from forebay.gateway.capture import Capturing
from forebay.gateway.explain import Explanations
from forebay.gateway.guard import Guard
from forebay.gateway.inward import Inward
from forebay.gateway.meter import Meter
from forebay.gateway.permit import Permit
from forebay.gateway.pipeline import compose
from forebay.gateway.route import Route
from forebay.gateway.stored import Keepers
from forebay.gateway.timed import Timed
from forebay.gateway.tracing import Tracing
from forebay.gateway.watermark import Watermarks
from forebay.generation import Generation, around, generation
from forebay.limiting import Limiting
from forebay.meter.audit import Audit
from forebay.meter.journal import Journal
from forebay.meter.log import JsonLog, TextLog
from forebay.meter.recent import Recent
from forebay.meter.series import RecentSeries
from forebay.prompting import Prompting
from forebay.reload import UNUSABLE, Lasting, Service, Source
from forebay.roles import WEB, check_role, web_application
from forebay.settings import LogSettings, Settings
from forebay.telemetry import build as build_telemetry
from forebay.telemetry import share, wanted
from forebay.web.static import Pages

Endpoints = dict[str, dict[str, Endpoint]]


def application(settings: Settings, shared: Path | None = None, source: Source | None = None) -> Asgi:
    """Everything that ``settings`` describe, ready to be served; nothing has been started yet.

    ``shared`` is a folder where the processes of one server leave their figures; ``source`` is where other settings
    come from while it runs.

    Raises:
        SettingsError: a section is not what its plug-in reads, or of a kind that is not installed.
    """
    check_role(settings)
    if settings.server.role == WEB:
        return web_application(settings)
    built = Process(generation(settings), shared, source).service.application
    cors = settings.server.cors
    return built if cors is None else Cors(built, cors.origins)


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
        self._accounts = Accounts(first.settings)
        self._store = self._accounts.store
        self._limiting = Limiting(first.settings, self._store.usage if self._store else None)
        self._figures = Figures(lambda: self.service.current, shared, self._limiting.gauges)
        log = first.settings.log
        self._audit = Audit(self._figures.guards, sys.stdout if log.guards else None, log.format)
        recent = Recent(shared)
        self._otlp = wanted(first.settings.telemetry)
        exporting = [build_telemetry(self._otlp)] if self._otlp else []
        self._journal = Journal([self._audit.flush, recent, *self._figures.sinks, *_logs(log), *exporting])
        self._explanations = Explanations()
        self._trail = Trail(self._store.admin_log if self._store else None)
        self._request_logs: tuple[RequestLog, ...] = (recent, self._store.requests) if self._store else (recent,)
        self._series = self._store.series if self._store else RecentSeries(recent)
        self._prompting = Prompting(self._store)
        self._conversing = Conversing(self._store, first.settings.store)
        recorders = [self._journal, self._store.recorder] if self._store else [self._journal]
        self._meter = Meter(recorders, lambda: self.service.current.models)
        self._captures = _captures(self._store, lambda: self.service.current) if self._store else None
        capturing = (self._captures,) if self._captures else ()
        kept = (self._accounts, self._limiting, self._conversing, self._prompting, *capturing)
        lasting: tuple[Lasting, ...] = (*exporting, self._journal, *kept)
        self.service = Service(first, self._endpoints, lasting, source, _pages(first.settings))

    def _metered(self) -> Sequence[Stage]:
        tracing = (Tracing(share(self._otlp)),) if self._otlp else ()
        return (*tracing, self._meter, Watermarks())

    def _refused(self) -> Refused:
        return self._meter.refused

    def _before_cache(self, current: Generation, route: Route) -> Sequence[Stage]:
        auth = current.settings.auth
        permits = (Timed("permit", Permit(metadata_url(auth))),) if auth.scoped else ()
        guard = Guard(current.policies, self._audit, current.tools.beside)
        guards = (Timed("guard", guard),) if current.policies.all else ()
        limits = (Timed("admit", each) for each in self._limiting.stages(current.settings, route))
        captures, wanted = self._captures, current.settings.capture
        capturing = (Capturing(wanted, captures.take),) if captures and wanted.requests else ()
        return (*capturing, *permits, *limits, *guards)

    def _stages(self, current: Generation, route: Route) -> Sequence[Stage]:
        meter = self._metered()
        return (*meter, *self._before_cache(current, route), *_cache(current, route, compose(meter, route)))

    def _keeping(self, current: Generation, route: Route) -> Handler:
        """The pipeline of what names no model."""
        keepers = Keepers(current.providers, current.models, current.settings.files, self._explanations)
        return compose((*self._metered(), *self._before_cache(current, route)), keepers)

    async def _change(self, text: str) -> bool:
        return await self.service.change(text)

    def _series_endpoint(self, authenticator: Authenticator) -> SeriesEndpoint:
        source = "store" if self._store else "recent"
        return SeriesEndpoint(self._series, source, self._journal.flush, authenticator)

    def _endpoints(self, current: Generation) -> Endpoints:
        """All endpoints of one generation."""
        auth = current.settings.auth
        route = Route(current.models, self._explanations, prices=current.prices)
        authenticator = self._accounts.authenticator(auth)
        ask = compose(self._stages(current, route), route)
        current.tools.bind(compose(self._metered(), route))
        self._prompting.configure(current.prompts)
        chats, responses = endpoints.expansions(current, self._prompting)
        found = {
            **endpoints.inference(authenticator, ask, self._refused(), chats),
            **endpoints.files(authenticator, self._keeping(current, route), self._refused()),
            **endpoints.translations(authenticator, ask, self._refused(), responses),
            **endpoints.models(authenticator, route, self._trail),
            **self._limiting.endpoints(current.settings, authenticator),
            **endpoints.watermarks(authenticator, route, current),
            **endpoints.requests(
                RequestEndpoints(self._explanations, self._request_logs, self._journal.flush, authenticator)
            ),
            **endpoints.operations(authenticator, current, lambda: self._figures.text(self._journal)),
        }
        found[SERIES_PATH] = {"GET": self._series_endpoint(authenticator)}
        found |= endpoints.guards(authenticator, current)
        found |= endpoints.prompts(authenticator, current, self._prompting, self._store)
        if self._store is not None:
            captures = CaptureEndpoints(self._store.captures, self._store.requests, authenticator)
            found |= {CAPTURES_PATH: {"GET": captures.list}, CAPTURE_PREFIX: {"GET": captures.one}}
            found[USAGE_PATH] = {"GET": UsageEndpoint(self._store.usage, authenticator)}
            found |= endpoints.reviews(authenticator, self._store, current.settings.reviews)
            found |= sharing.endpoints(authenticator, self._store, self._trail)
            found |= endpoints.keys(authenticator, self._store, auth.issued_keys)
            asked = Asked(self._explanations, self._request_logs, self._journal.flush)
            found |= self._conversing.endpoints(authenticator, ask, self._refused(), responses, asked)
        if metadata_url(auth):
            found[RESOURCE_PATH] = {"GET": ProtectedResource(auth)}
        if self._accounts.server is not None:
            found |= self._accounts.server.endpoints()
        if self._source is not None:
            admin = Admin(authenticator, self._trail, self._change, UNUSABLE)
            found["/admin/config"] = {"PUT": admin.configure}
        found |= endpoints.caches(current, route, authenticator, self._trail)
        login = self._accounts.login(auth)
        found |= endpoints.sessions(auth, login)
        return endpoints.reachable(found, auth, login)


class Host(Process):
    """A process that only workers ask."""

    def _metered(self) -> Sequence[Stage]:
        return ()

    def _refused(self) -> Refused:
        return unmetered

    def _before_cache(self, current: Generation, route: Route) -> Sequence[Stage]:  # noqa: ARG002  # they did it
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
    return (Timed("cache", Cache(route.model, reader, keeper, settings.max_entry, shadow, judge)),)


def _pages(settings: Settings) -> dict[str, Endpoint]:
    """The page, unless another process has it."""
    return dict.fromkeys(("GET", "HEAD"), Pages()) if settings.server.role == "all" else {}


def _captures(store: Store, current: Callable[[], Generation]) -> Captures:
    """What writes captured bodies, as far as a configuration wants any."""
    return Captures(store.captures, lambda: current().settings.capture, lambda: current().policies.all)


def _logs(settings: LogSettings) -> list[TextLog | JsonLog]:
    if not settings.requests:
        return []
    return [JsonLog(sys.stdout) if settings.format == "json" else TextLog(sys.stdout)]
