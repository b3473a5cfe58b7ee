"""What `docs/configuration.md` shows is true: its examples load, and it names every key and default."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from forebay.settings import (
    AuthorizationServerSettings,
    AuthSettings,
    CacheSettings,
    ClaimSettings,
    ConversationSettings,
    CoolDownSettings,
    CorsSettings,
    DeploymentSettings,
    FallbackSettings,
    FrontSettings,
    HealthSettings,
    HedgeSettings,
    IntrospectionSettings,
    IssuedKeySettings,
    IssuerSettings,
    KeyRingSettings,
    KeySettings,
    LimitSettings,
    LimitsSettings,
    LoginProviderSettings,
    LoginSettings,
    LogSettings,
    ModelSettings,
    PolicySettings,
    PromptSettings,
    RetrySettings,
    RoleSettings,
    RuleSettings,
    SemanticJudgeSettings,
    SemanticSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    TimeOutSettings,
    TlsSettings,
    load,
)

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
FULL = max(EXAMPLES, key=len)
ENVIRON = {
    "OPENAI_API_KEY": "sk-1",
    "TEAM_KEY": "fb-1",
    "FOREBAY_CLIENT_SECRET": "s",
    "FOREBAY_PEPPER": "a pepper of 16 characters",
    "INTROSPECTION_SECRET": "s",
    "JOBS_SECRET": 32 * "s",
    "TLS_PASSWORD": "sesame",
    "WATERMARK_KEY": "a secret of some length",
}
SHAPES = [
    AuthorizationServerSettings,
    LoginProviderSettings,
    LoginSettings,
    RoleSettings,
    Settings,
    StoreSettings,
    ServerSettings,
    AuthSettings,
    ClaimSettings,
    IntrospectionSettings,
    IssuedKeySettings,
    IssuerSettings,
    KeySettings,
    KeyRingSettings,
    LimitSettings,
    LimitsSettings,
    LogSettings,
    ModelSettings,
    DeploymentSettings,
    TimeOutSettings,
    TlsSettings,
    RetrySettings,
    CoolDownSettings,
    CorsSettings,
    FallbackSettings,
    HealthSettings,
    HedgeSettings,
    CacheSettings,
    ConversationSettings,
    FrontSettings,
    SemanticSettings,
    PolicySettings,
    PromptSettings,
]


def keys(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from keys(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from keys(item)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str) -> None:
    assert load(example, source="docs/configuration.md", environ=ENVIRON).models


@pytest.mark.parametrize("shape", SHAPES)
def test_the_full_example_has_every_key(shape: type[msgspec.Struct]) -> None:
    shown = set(keys(yaml.safe_load(FULL)))
    assert {field.encode_name for field in msgspec.structs.fields(shape)} <= shown


def test_the_full_example_shows_the_defaults() -> None:
    settings = load(FULL, source="docs/configuration.md", environ=ENVIRON)
    assert msgspec.structs.replace(settings.server, tls=None, cors=None) == ServerSettings()
    assert settings.log == LogSettings()
    fast = settings.models["fast"]
    assert fast.deployments[0].timeouts == TimeOutSettings()
    assert (fast.retries, fast.cool_down) == (RetrySettings(), CoolDownSettings())
    assert settings.cache is not None
    assert (settings.cache.ttl, settings.cache.max_ttl, settings.cache.max_entry) == (3600, 30 * 86400, 1024**2)
    assert settings.cache.front == FrontSettings()
    assert settings.cache.semantic is not None
    judge = SemanticJudgeSettings("big")
    assert settings.cache.semantic == SemanticSettings(settings.cache.semantic.index, judge=judge)
    assert msgspec.structs.replace(settings.guards["outside"].rule, on_fail=None) == RuleSettings()
    assert (fast.health, fast.hedge) == (HealthSettings(), HedgeSettings())
