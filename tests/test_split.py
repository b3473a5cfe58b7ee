"""One settings object for one process becomes two for workers and the host's own process."""

from pathlib import Path

from forebay.settings import DeploymentSettings, ModelSettings, RetrySettings, Settings, load
from forebay.split import host_part, once_per_host, workers_part

TEXT = """
auth: {keys: [{key: sk-1, name: alice}]}
server: {workers: 4, host: 0.0.0.0}
providers:
  local: {kind: engine, model: smollm2}
  remote: {kind: openai, base_url: "http://127.0.0.1:1/v1"}
models:
  small: {provider: local, model: smollm2}
  far: {provider: remote, model: x}
  either: {deployments: [{provider: local, model: smollm2}, {provider: remote, model: x}]}
"""


def settings() -> Settings:
    return load(TEXT, source="test", environ={})


def test_what_holds_a_model_is_there_once() -> None:
    assert once_per_host(settings()) == {"local"}


def test_workers_ask_the_host_by_the_name_the_client_used() -> None:
    part = workers_part(settings(), Path("e.sock"))
    assert part.providers["local"].kind == "hosted"
    assert part.models["small"].deployments == (DeploymentSettings("local", "small"),)
    assert part.models["far"] == settings().models["far"]
    assert [each.model for each in part.models["either"].deployments] == ["either", "x"]
    assert part.auth == settings().auth


def test_the_host_holds_only_what_is_shared() -> None:
    part = host_part(settings())
    assert set(part.providers) == {"local"}
    assert part.models == {
        "small": ModelSettings((DeploymentSettings("local", "smollm2"),), retries=RetrySettings(max=0)),
        "either": ModelSettings((DeploymentSettings("local", "smollm2"),), retries=RetrySettings(max=0)),
    }
    assert not part.auth.keys
    assert part.server.workers == 1


def test_workers_know_the_prices_by_the_names_they_ask_for() -> None:
    prices = "prices: {local/smollm2: {input: 1, output: 2}, remote/x: {input: 3, output: 4}}"
    part = workers_part(load(TEXT + prices, source="test", environ={}), Path("e.sock"))
    assert part.prices["local/small"] == part.prices["local/either"] == part.prices["local/smollm2"]
    assert "remote/far" not in part.prices
