"""Which part of a configuration is for whom."""

from pathlib import Path

import pytest

from forebay.rayserve.parts import Source, gateway_part, has_engines
from forebay.settings import SettingsError

BOTH = """
auth: {keys: [{key: "${PASS}", name: me}]}
providers:
  engine: {kind: engine, model: smollm2}
  elsewhere: {kind: openai, base_url: "http://127.0.0.1:9/v1"}
models:
  smollm2: {provider: engine}
  other: {provider: elsewhere}
ray:
  engines: {min: 2, max: 4, kv_use: 0.5, resources: {gpu_box: 1}}
"""


def test_a_model_of_ones_own_wants_engines() -> None:
    assert has_engines(Source(BOTH, "f.yaml").read({"PASS": "secret"}))


def test_secrets_stay_where_they_are_filled_in() -> None:
    assert "secret" not in repr(Source(BOTH, "f.yaml"))
    found = Source(BOTH, "f.yaml").read({"PASS": "secret", "FOREBAY_API_KEY": "another"})
    assert [each.key.reveal() for each in found.auth.keys] == ["secret", "another"]


def test_gateway_part_has_no_model_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PASS", "secret")
    part = gateway_part(Source(BOTH, "f.yaml"), tmp_path / "engine.sock")
    assert {name: each.kind for name, each in part.providers.items()} == {"engine": "hosted", "elsewhere": "openai"}
    assert part.auth.keys


def test_without_an_engine_nothing_changes(tmp_path: Path) -> None:
    only = Source(
        'providers: {e: {kind: openai, base_url: "http://127.0.0.1:9/v1"}}\nmodels: {other: {provider: e}}', "f.yaml"
    )
    assert not has_engines(only.read({}))
    assert gateway_part(only, tmp_path / "s").providers["e"].kind == "openai"


def test_figures_of_replicas_are_read() -> None:
    engines = Source(BOTH, "f.yaml").read({"PASS": "x"}).ray.engines
    assert (engines.min, engines.max, engines.kv_use, dict(engines.resources)) == (2, 4, 0.5, {"gpu_box": 1.0})


def test_without_a_max_there_are_as_many_as_the_min() -> None:
    ray = Source("ray: {gateways: {min: 3}, engines: {max: 5}}", "f.yaml").read({}).ray
    assert (ray.gateways.min, ray.gateways.max, ray.engines.min, ray.engines.max) == (3, 3, 1, 5)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("engines: {min: 0}", "ray.engines.min"),
        ("engines: {kv_use: 1.5}", "ray.engines.kv_use"),
        ("gateways: {kv_use: 0.5}", "ray.gateways.kv_use"),
        ("surge: 101", "ray.surge"),
        ("gateways: {min: 3, max: 2}", "ray.gateways: 'min' is 3, more than 'max', which is 2"),
        ("engines: {min: 3, max: 2}", "ray.engines: 'min' is 3"),
    ],
)
def test_wrong_figures_are_named(wrong: str, where: str) -> None:
    with pytest.raises(SettingsError, match=where):
        Source(f"ray: {{{wrong}}}", "f.yaml").read({})
