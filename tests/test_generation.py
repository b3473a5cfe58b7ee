"""What a configuration brings into being, and what of it the next one keeps."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from forebay.core.ports import Provider
from forebay.core.types import Price, Principal
from forebay.gateway.prices import FREE
from forebay.gateway.route import Route
from forebay.generation import Generation, check, generation, start
from forebay.settings import Settings, SettingsError, load
from forebay.split import workers_part
from tests.support.scripted import Scripted, call

TEXT = """
providers:
  kept: {kind: openai, base_url: "http://127.0.0.1:1/v1", headers: {a: b}}
  changed: {kind: openai, base_url: "http://127.0.0.1:2/v1"}
models:
  m: {deployments: [{provider: kept, weight: 3}, {provider: changed}], strategy: weighted, health: {interval: 5s}}
  n: {provider: kept, model: m}
"""


def loaded(text: str) -> Settings:
    return load(text, source="f.yaml", environ={})


def lives(made: Generation) -> list[int]:
    return [id(each) for each in made.lives.values()]


def test_models_are_as_they_are_configured() -> None:
    made = generation(loaded(TEXT))
    model = made.models["m"]
    assert [(each.deployment.name, each.deployment.weight) for each in model.targets] == [
        ("kept/m", 3),
        ("changed/m", 1),
    ]
    assert type(model.strategy).__name__ == "Weighted"
    assert made.models["n"].strategy is None
    assert made.models["n"].targets[0].live is model.targets[0].live


def test_the_same_configuration_keeps_everything() -> None:
    before = generation(loaded(TEXT))
    after = generation(loaded("# further down\n" + TEXT), before)
    assert after.providers == before.providers
    assert lives(after) == lives(before)


def test_what_has_changed_is_made_anew_with_all_that_was_known_of_it() -> None:
    before = generation(loaded(TEXT))
    after = generation(loaded(TEXT.replace(":2/v1", ":3/v1").replace("weight: 3", "weight: 4")), before)
    assert after.providers["kept"] is before.providers["kept"]
    assert after.providers["changed"] is not before.providers["changed"]
    assert after.lives["kept/m"] is before.lives["kept/m"]
    assert after.lives["changed/m"] is not before.lives["changed/m"]


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("a secret of this autumn", "another secret of autumn", False),
        ("a secret of last spring", "another secret of spring", True),
        ("{key: autumn}", "{key: spring}", False),
        (", watermark: {key: autumn}", "", False),
    ],
)
def test_answers_with_another_mark_are_other_answers(old: str, new: str, *, is_same: bool) -> None:
    text = """
watermark: {keys: {autumn: a secret of this autumn, spring: a secret of last spring}}
providers: {far: {kind: forebay, base_url: "http://127.0.0.1:1/v1", watermark: {key: autumn}}}
models: {m: {provider: far}}
"""
    before, after = (generation(loaded(each)) for each in (text, text.replace(old, new)))
    assert (before.identities().of(before.models["m"]) == after.identities().of(after.models["m"])) is is_same


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: openai", "kind: opanai", "f.yaml:3: providers.kept.kind: unknown provider kind 'opanai'"),
        ("strategy: weighted", "strategy: wise", "f.yaml:6: models.m.strategy.kind: unknown strategy kind 'wise'"),
        (
            "strategy: weighted",
            "strategy: {kind: prefix-aware, beta: -1}",
            "f.yaml:6: models.m.strategy.beta: must be at least 0",
        ),
        ("strategy: weighted", "strategy: {kind: sticky, x: 1}", "f.yaml:6: models.m.strategy.x: unknown key 'x'"),
    ],
)
def test_what_plug_ins_refuse_is_told_with_its_line(old: str, new: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(loaded(TEXT.replace(old, new, 1)))
    assert str(caught.value).startswith(told)


async def test_providers_start_all_or_none() -> None:
    class Broken(Scripted):
        async def start(self) -> None:
            raise RuntimeError("no memory")

    first, broken = Scripted([]), Broken([])
    providers: list[Provider] = [first, broken]
    with pytest.raises(RuntimeError, match="no memory"):
        await start(providers)
    assert (first.started, first.closed, broken.closed) == (1, 1, 1)


PRICED = """
providers:
  mine: {kind: openai}
  proxied: {kind: openai, base_url: "http://127.0.0.1:1/v1"}
  claude: {kind: anthropic, api_key: sk-1}
  elsewhere: {kind: anthropic, base_url: "http://127.0.0.1:1"}
models:
  m: {deployments: [{provider: mine, model: gpt-4o}, {provider: proxied, model: gpt-4o}], strategy: lowest-cost}
  n: {deployments: [{provider: claude, model: claude-haiku-4-5}, {provider: elsewhere, model: claude-haiku-4-5}]}
  all/*: {provider: mine}
prices:
  mine/own: {input: 1, output: 2}
"""


def test_the_vendor_s_prices_hold_at_its_own_address_only() -> None:
    made = generation(loaded(PRICED))
    known = {each.deployment.name: each.deployment.price is not None for m in "mn" for each in made.models[m].targets}
    assert known == {
        "mine/gpt-4o": True,
        "proxied/gpt-4o": False,
        "claude/claude-haiku-4-5": True,
        "elsewhere/claude-haiku-4-5": False,
    }
    strategy = made.models["m"].strategy
    assert strategy is not None
    assert strategy.score(call(), made.models["m"].targets) == [4_375_000, math.inf]


OWN = """
providers:
  engine: {kind: engine, model: smollm2}
  vectors: {kind: embedding, model: all-minilm-l6-v2}
  vllm: {kind: vllm, url: "http://127.0.0.1:1", model: m}
  services: {kind: forebay, base_url: "http://127.0.0.1:1/v1"}
models:
  m: {deployments: [{provider: engine}, {provider: vllm}, {provider: vectors}, {provider: services}]}
  dear: {provider: engine}
prices:
  engine/dear: {input: 1, output: 2}
"""


@pytest.mark.parametrize("part", [lambda settings: settings, lambda settings: workers_part(settings, Path("s"))])
def test_nobody_bills_what_runs_on_machines_of_ones_own(part: Callable[[Settings], Settings]) -> None:
    made = generation(part(loaded(OWN)))
    prices = {each.deployment.name: each.deployment.price for each in made.models["m"].targets}
    assert prices == {"engine/m": FREE, "vllm/m": FREE, "vectors/m": FREE, "services/m": None}
    (dear,) = made.models["dear"].targets
    assert dear.deployment.price == Price(1_000_000, 2_000_000, 1_000_000, 1_000_000, 1_000_000)


def test_what_is_behind_a_wildcard_has_a_price_by_the_name_that_is_asked_for() -> None:
    made = generation(loaded(PRICED))
    route = Route(made.models, prices=made.prices)
    own, listed, unknown = (route.find(f"all/{name}", Principal("a"))[0] for name in ("own", "gpt-4o", "x"))
    assert own.deployment.price == Price(1_000_000, 2_000_000, 1_000_000, 1_000_000, 1_000_000)
    assert listed.deployment.price is not None
    assert unknown.deployment.price is None
