"""What a configuration brings into being, and what of it the next one keeps."""

import pytest

from forebay.core.ports import Provider
from forebay.generation import Generation, check, generation, start
from forebay.settings import Settings, SettingsError, load
from tests.support.scripted import Scripted

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
