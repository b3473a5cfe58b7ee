"""Guards and policies in a settings file."""

import pytest

from forebay.settings import PolicySettings, RuleSettings, SettingsError, load


def test_the_pipeline_s_part_and_the_guard_s_own() -> None:
    settings = load("guards: {w: {kind: words, on: [output], words: [a]}}", source="x", environ={})
    guard = settings.guards["w"]
    assert guard.rule == RuleSettings(on=("output",))
    assert guard.section.kind == "words"
    assert list(guard.section.entries.entries) == ["kind", "words"]
    assert settings.policies == PolicySettings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("guards: {w: {on: [input]}}", "guards.w.kind: is missing"),
        ("guards: {w: {kind: x, on: []}}", "guards.w.on: must have a length of at least 1"),
        ("guards: {w: {kind: x, on: [inputs]}}", "did you mean 'input'?"),
        ("guards: {w: {kind: x, on_fail: mend}}", "guards.w.on_fail: expected 'noop' or"),
        ("guards: {w: {kind: x, timeout_ms: 0}}", "guards.w.timeout_ms: must be at least 1"),
        ("guards: {w: {kind: x, sample_rate: 2}}", "guards.w.sample_rate: must be at most 1"),
        ("guards: {w: [kind]}", "guards.w: expected a mapping"),
        ("guards: {w: {kind: x}}\npolicies: {tenants: {t: [v]}}", "policies.tenants.t[0]: unknown guard 'v'"),
        ("policies: {everywhere: [v]}", "unknown guard 'v'; none is configured"),
        ("guards: {w: {kind: x}}\npolicies: {models: {m: [w]}}", "policies.models.m: unknown model 'm'"),
        ("moderations: {hate: [v]}", "moderations.hate[0]: unknown guard 'v'"),
        ("policies: {tenant: {}}", "did you mean 'tenants'?"),
    ],
)
def test_mistakes_are_told(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(text, source="x", environ={})
    assert message in str(caught.value)
