"""One YAML file, read into frozen typed settings; start reading in `schema`.

Everything that is wrong with a file is told at once, each with its line, its dotted path and the remedy.
"""

from forebay.settings.cache import CacheSettings, FrontSettings, SemanticJudgeSettings, SemanticSettings, cache_settings
from forebay.settings.capture import CaptureSettings
from forebay.settings.conversations import ConversationSettings
from forebay.settings.guards import GuardSettings, PolicySettings, RuleSettings
from forebay.settings.issuers import ClaimSettings, IntrospectionSettings, IssuerSettings
from forebay.settings.limits import Dollars, LimitSettings, LimitsSettings, RateSettings
from forebay.settings.load import load, load_file
from forebay.settings.login import AuthorizationServerSettings, LoginProviderSettings, LoginSettings, RoleSettings
from forebay.settings.prices import PerToken, PriceSettings
from forebay.settings.problems import Problem, SettingsError
from forebay.settings.prompts import PromptSettings
from forebay.settings.ray import EngineReplicaSettings, RaySettings, ReplicaSettings
from forebay.settings.reviews import ReviewSettings
from forebay.settings.routing import CoolDownSettings, FallbackSettings, HealthSettings, HedgeSettings, RetrySettings
from forebay.settings.schema import (
    AuthSettings,
    CorsSettings,
    DeploymentSettings,
    IssuedKeySettings,
    KeySettings,
    LogSettings,
    MemorySettings,
    ModelSettings,
    ServerSettings,
    Settings,
    TimeOutSettings,
    TlsSettings,
)
from forebay.settings.section import Section, section
from forebay.settings.store import StoreSettings
from forebay.settings.telemetry import OtlpSettings, TelemetrySettings
from forebay.settings.values import Duration, Secret, Size
from forebay.settings.watermark import KeyRingSettings, WatermarkSettings

__all__ = [
    "AuthSettings",
    "AuthorizationServerSettings",
    "CacheSettings",
    "CaptureSettings",
    "ClaimSettings",
    "ConversationSettings",
    "CoolDownSettings",
    "CorsSettings",
    "DeploymentSettings",
    "Dollars",
    "Duration",
    "EngineReplicaSettings",
    "FallbackSettings",
    "FrontSettings",
    "GuardSettings",
    "HealthSettings",
    "HedgeSettings",
    "IntrospectionSettings",
    "IssuedKeySettings",
    "IssuerSettings",
    "KeyRingSettings",
    "KeySettings",
    "LimitSettings",
    "LimitsSettings",
    "LogSettings",
    "LoginProviderSettings",
    "LoginSettings",
    "MemorySettings",
    "ModelSettings",
    "OtlpSettings",
    "PerToken",
    "PolicySettings",
    "PriceSettings",
    "Problem",
    "PromptSettings",
    "RateSettings",
    "RaySettings",
    "ReplicaSettings",
    "RetrySettings",
    "ReviewSettings",
    "RoleSettings",
    "RuleSettings",
    "Secret",
    "Section",
    "SemanticJudgeSettings",
    "SemanticSettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "Size",
    "StoreSettings",
    "TelemetrySettings",
    "TimeOutSettings",
    "TlsSettings",
    "WatermarkSettings",
    "cache_settings",
    "load",
    "load_file",
    "section",
]
