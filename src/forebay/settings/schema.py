"""What a settings file may say. `docs/configuration.md` shows every key; `load` reads it."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from forebay.core.marks import MarkPolicy
from forebay.core.types import TimeOuts
from forebay.settings.cache import CacheSettings
from forebay.settings.capture import CaptureSettings
from forebay.settings.guards import GuardSettings, PolicySettings
from forebay.settings.issuers import IssuerSettings
from forebay.settings.limits import LimitSettings, LimitsSettings
from forebay.settings.login import AuthorizationServerSettings, LoginSettings
from forebay.settings.prices import PriceSettings
from forebay.settings.prompts import PromptSettings
from forebay.settings.ray import RaySettings
from forebay.settings.reviews import ReviewSettings
from forebay.settings.routing import CoolDownSettings, FallbackSettings, HealthSettings, HedgeSettings, RetrySettings
from forebay.settings.section import Section
from forebay.settings.store import StoreSettings
from forebay.settings.telemetry import TelemetrySettings
from forebay.settings.values import KIB, Duration, Secret, Size
from forebay.settings.watermark import KeyRingSettings

WILDCARD = "/*"
"""The end of a model's name that stands for any rest."""

Name = Annotated[str, msgspec.Meta(min_length=1)]
Origin = Annotated[
    str, msgspec.Meta(pattern=r"^(\*|https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?)$")
]
"""As browsers write it: lower case, without a path, and without the port where it is the usual one."""

Positive = Annotated[int, msgspec.Meta(ge=1)]

_TIME_OUTS = TimeOuts()


Role = Literal["all", "gateway", "engine", "web"]
"""What one process is of Forebay: all of it, or one of three that make it up together."""


class TlsSettings(msgspec.Struct, frozen=True):
    """PEM files of the server's ``certificate`` (and those that lead to its root) and its ``key``."""

    certificate: Name
    key: Name
    password: Secret | None = None


class CorsSettings(msgspec.Struct, frozen=True):
    """Whose web pages may ask, besides the server's own: ``https://app.example``, or ``*`` for all."""

    origins: Annotated[tuple[Origin, ...], msgspec.Meta(min_length=1)]


class ServerSettings(msgspec.Struct, frozen=True):
    """Where the server listens, what it bears, and what of Forebay it is; ``gateway`` is whom the web role asks."""

    host: Name = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    workers: Positive = 1
    body_limit: Size = 20 * KIB**2
    header_timeout: Duration = 10.0
    body_timeout: Duration = 30.0
    write_timeout: Duration = 60.0
    keep_alive: Duration = 75.0
    max_connections: Positive = 10_000
    shutdown_timeout: Duration = 30.0
    role: Role = "all"
    gateway: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/\s]+/?$")] | None = None
    tls: TlsSettings | None = None
    cors: CorsSettings | None = None


class KeySettings(msgspec.Struct, frozen=True):
    """An API key: who holds it, which models it may use (``None``: all), whether it may change the configuration.

    ``watermark`` says whether its answers are marked, ``limits`` how much it may ask for.
    """

    key: Secret
    name: Name
    tenant: Name = "default"
    models: tuple[Name, ...] | None = None
    admin: bool = False
    watermark: MarkPolicy = "model"
    limits: LimitSettings | None = None


class IssuedKeySettings(msgspec.Struct, frozen=True):
    """Keys that ``forebay keys`` and ``/admin/keys`` make; without the pepper what the store has of them is useless."""

    pepper: Annotated[Secret, msgspec.Meta(min_length=16)]


class AuthSettings(msgspec.Struct, frozen=True):
    """Who may ask: whoever holds a key, one of these or an issued one, or a token, or is logged in; else everybody.

    ``server`` gives out tokens for issued keys.
    ``resource`` is the server's own address as its clients see it, under which it says whose tokens it takes.
    """

    keys: tuple[KeySettings, ...] = ()
    issued_keys: IssuedKeySettings | None = None
    issuers: tuple[IssuerSettings, ...] = ()
    server: AuthorizationServerSettings | None = None
    login: LoginSettings | None = None
    resource: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/?#\"]+)?$")] = ""

    @property
    def required(self) -> bool:
        """Whether anybody is asked who they are."""
        return self.takes_credentials or self.login is not None

    @property
    def takes_credentials(self) -> bool:
        """Whether there is anything that a header ``Authorization`` could hold."""
        return bool(self.keys or self.issued_keys or self.issuers)

    @property
    def scoped(self) -> bool:
        """Whether a credential may be good for some things only."""
        return bool(self.issued_keys or self.issuers)


class TimeOutSettings(TimeOuts, frozen=True):
    """How long to wait for a deployment; a `TimeOuts` whose fields may have a unit in the file."""

    connect: Duration = _TIME_OUTS.connect
    first_token: Duration = _TIME_OUTS.first_token
    between_tokens: Duration = _TIME_OUTS.between_tokens
    total: Duration = _TIME_OUTS.total


class DeploymentSettings(msgspec.Struct, frozen=True):
    """A model at a provider.

    ``model`` is by default the name under which it is offered. Under a wildcard it holds a ``*`` (by default it is
    nothing else) for what the caller wrote in the wildcard's place.
    """

    provider: Name
    model: str = ""
    timeouts: TimeOutSettings = TimeOutSettings()
    weight: Annotated[float, msgspec.Meta(ge=0)] = 1.0


class ModelSettings(msgspec.Struct, frozen=True):
    """A model as callers name it: the deployments that answer for it, and how one of them is chosen.

    Without a ``strategy`` the first is preferred. ``health`` and ``hedge`` are off unless they are there. ``cache`` is
    the part of the cache that may answer for it, where there is one.
    """

    deployments: Annotated[tuple[DeploymentSettings, ...], msgspec.Meta(min_length=1)]
    strategy: Section | None = None
    retries: RetrySettings = RetrySettings()
    cool_down: CoolDownSettings = CoolDownSettings()
    fallbacks: FallbackSettings = FallbackSettings()
    health: HealthSettings | None = None
    hedge: HedgeSettings | None = None
    cache: Literal["off", "exact", "semantic"] = "exact"


class MemorySettings(msgspec.Struct, frozen=True):
    """The memory that all models of this machine may take together (``None``: any), and how long to wait for some."""

    memory: Size | None = None
    patience: Duration = 10.0


class LogSettings(msgspec.Struct, frozen=True):
    """What is logged, and how: a line for every one of the ``requests``, and for whatever ``guards`` object to."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    requests: bool = True
    guards: bool = True


class Settings(msgspec.Struct, frozen=True):
    """A whole file; every part has defaults.

    ``files`` says whose the files and batches at a provider are: a tenant, by default that called ``default``. Without
    a ``store`` nothing outlives the server.
    """

    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    limits: LimitsSettings = LimitsSettings()
    providers: Mapping[Name, Section] = {}
    models: Mapping[Name, ModelSettings] = {}
    prices: Mapping[Name, PriceSettings] = {}
    files: Mapping[Name, Name] = {}
    store: StoreSettings | None = None
    engine: MemorySettings = MemorySettings()
    cache: CacheSettings | None = None
    guards: Mapping[Name, GuardSettings] = {}
    policies: PolicySettings = PolicySettings()
    moderations: Mapping[Name, tuple[Name, ...]] = {}
    watermark: KeyRingSettings = KeyRingSettings()
    prompts: PromptSettings | None = None
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    capture: CaptureSettings = CaptureSettings()
    reviews: ReviewSettings | None = None
    ray: RaySettings = RaySettings()
