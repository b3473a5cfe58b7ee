"""Who answers for a model is part of its keys; how one is let in there is not."""

import msgspec
import pytest

from forebay.core.types import Deployment
from forebay.gateway.cache.identity import Identities, digest
from forebay.gateway.target import Model, Target
from forebay.providers.hosted import HostedSettings
from forebay.providers.openai import OpenAISettings
from forebay.settings import Secret
from tests.support.scripted import Scripted

PROVIDER = Scripted([])


def model(*deployments: Deployment, name: str = "m") -> Model:
    return Model(name, tuple(Target(each, PROVIDER) for each in deployments))


def test_a_secret_changes_nothing_and_an_address_does() -> None:
    base = OpenAISettings(base_url="http://a/v1", api_key=Secret("one"))
    assert digest("openai", base) == digest("openai", msgspec.structs.replace(base, api_key=Secret("two")))
    assert digest("openai", base) != digest("openai", msgspec.structs.replace(base, base_url="http://b/v1"))
    assert digest("openai", base) != digest("azure", base)


def test_the_secret_of_a_mark_changes_answers_and_is_not_told() -> None:
    base = OpenAISettings(base_url="http://a/v1")
    unmarked, one, two = (digest("openai", base, mark) for mark in (None, Secret("one"), Secret("two")))
    assert len({unmarked, one, two}) == 3
    assert one == digest("openai", base, Secret("one"))
    assert unmarked == digest("openai", base)


def test_a_host_s_models_are_the_same_at_another_socket() -> None:
    assert digest("hosted", HostedSettings("/a", "x")) == digest("hosted", HostedSettings("/b", "x"))
    assert digest("hosted", HostedSettings("/a", "x")) != digest("hosted", HostedSettings("/a", "y"))


@pytest.mark.parametrize(
    "other",
    [
        (Deployment("q/x", "q", "x"),),
        (Deployment("p/y", "p", "y"),),
        (Deployment("p/x", "p", "x", adapter="a"),),
        (Deployment("p/x", "p", "x"), Deployment("p/y", "p", "y")),
    ],
)
def test_every_deployment_counts(other: tuple[Deployment, ...]) -> None:
    identities = Identities({"p": "1", "q": "2"})
    assert identities.of(model(Deployment("p/x", "p", "x"))) != identities.of(model(*other, name="other"))


def test_another_configuration_of_a_provider_is_another_identity() -> None:
    asked = model(Deployment("p/x", "p", "x"))
    assert Identities({"p": "1"}).of(asked) != Identities({"p": "2"}).of(asked)


def test_names_from_clients_do_not_fill_the_memory() -> None:
    identities = Identities({})
    for number in range(10_000):
        identities.of(model(Deployment("p/x", "p", str(number)), name=str(number)))
    assert len(identities._known) <= 4096
