"""From a name to a deployment, and on to the next one when the first cannot."""

import pytest

from forebay.core.errors import (
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
    RateLimitError,
    UnavailableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from forebay.core.types import Deployment, Operation, Principal, Stream, Whole
from forebay.gateway.route import Route
from forebay.gateway.target import Model, Target
from forebay.settings import RetrySettings
from tests.support.scripted import Scripted, ScriptedAdapters, call, tokens


def target(provider: Scripted, name: str = "p/x", model: str = "x") -> Target:
    return Target(Deployment(name, name.partition("/")[0], model), provider)


def route(**targets: list[Target]) -> Route:
    """A route to models with these targets; ``_`` at the end of a name stands for a wildcard."""
    named = {name.replace("_", "/*"): tuple(each) for name, each in targets.items()}
    return Route({name: Model(name, each, retries=RetrySettings(max=0)) for name, each in named.items()})


async def test_a_model_is_answered_by_its_deployment() -> None:
    provider = Scripted([b"{}"])
    asked = call("m")
    assert await route(m=[target(provider)])(asked) == Whole(b"{}")
    assert asked.trace.deployment == "p/x"
    assert provider.calls[0][1].model == "x"


async def test_a_wildcard_passes_the_rest_of_the_name_on() -> None:
    provider = Scripted([b"{}"])
    await route(vendor_=[target(provider, model="*")])(call("vendor/org/model-1"))
    assert provider.calls[0][1].model == "org/model-1"
    await route(vendor_=[target(provider, model="prefix-*")])(call("vendor/one"))
    assert provider.calls[1][1].model == "prefix-one"


async def test_an_adapter_goes_to_its_model_s_deployments_that_take_adapters() -> None:
    plain, able = Scripted([b"{}"]), ScriptedAdapters([b"{}"])
    asked = call("m:support")
    await route(m=[target(plain), target(able)])(asked)
    assert asked.trace.deployment == "p/x:support"
    ((_, deployment),) = able.calls
    assert (deployment.model, deployment.adapter) == ("x", "support")
    assert not plain.calls


async def test_a_model_whose_name_has_a_colon_is_no_adapter() -> None:
    exact = ScriptedAdapters([b"{}"])
    colon = Model("m:8b", (target(exact),))
    found = Route({"m": Model("m", (target(Scripted([b"{}"])),)), "m:8b": colon})
    await found(call("m:8b"))
    await found(call("m:8b:support"))
    assert [deployment.adapter for _, deployment in exact.calls] == ["", "support"]


@pytest.mark.parametrize("name", ["m:", ":a", "plain:a"])
async def test_no_such_adapter_s_model_is_a_404(name: str) -> None:
    made = route(m=[target(ScriptedAdapters([b"{}"]))], plain=[target(Scripted([b"{}"]))])
    with pytest.raises(ModelNotFoundError):
        await made(call(name))


@pytest.mark.parametrize("name", ["", "x", "vendor/", "vendor", "m/", "other/x", "M"])
async def test_an_unknown_model_is_a_404(name: str) -> None:
    made = route(m=[target(Scripted([b"{}"]))], vendor_=[target(Scripted([b"{}"]))])
    with pytest.raises(ModelNotFoundError) as caught:
        await made(call(name))
    assert caught.value.param == "model"


async def test_a_model_that_the_principal_may_not_use_looks_unknown() -> None:
    made = route(m=[target(Scripted([b"{}"]))])
    with pytest.raises(ModelNotFoundError):
        await made(call("m", models=frozenset({"other"})))


async def test_an_operation_that_no_deployment_has_is_a_400() -> None:
    provider = Scripted([b"{}"])
    provider.operations = frozenset({Operation.EMBEDDING})
    with pytest.raises(InvalidRequestError, match="/v1/chat/completions"):
        await route(m=[target(provider)])(call("m"))


@pytest.mark.parametrize("error", [UpstreamError("x"), UpstreamTimeoutError("x"), UnavailableError("x")])
async def test_the_next_deployment_answers_when_the_first_fails(error: ForebayError) -> None:
    first, second = Scripted([error]), Scripted([b"{}"])
    asked = call("m")
    await route(m=[target(first), target(second, "q/y")])(asked)
    assert asked.trace.deployment == "q/y"


async def test_a_stream_that_fails_before_its_first_event_falls_back() -> None:
    first, second = Scripted([UpstreamError("x")]), Scripted(tokens("hi"))
    reply = await route(m=[target(first), target(second)])(call("m", stream=True))
    assert isinstance(reply, Stream)
    await reply.events.aclose()


async def test_what_is_the_request_s_own_fault_is_not_repeated() -> None:
    first, second = Scripted([InvalidRequestError("no")]), Scripted([b"{}"])
    with pytest.raises(InvalidRequestError):
        await route(m=[target(first), target(second)])(call("m"))
    assert not second.calls


async def test_the_last_failure_is_told() -> None:
    with pytest.raises(UpstreamTimeoutError):
        await route(m=[target(Scripted([UpstreamError("a")])), target(Scripted([UpstreamTimeoutError("b")]))])(
            call("m")
        )
    with pytest.raises(RateLimitError):
        await route(m=[target(Scripted([RateLimitError("slow down")]))])(call("m"))


def test_models_are_those_that_the_principal_may_use() -> None:
    made = route(m=[target(Scripted([]))], v_=[target(Scripted([]), "w/z")])
    everything = [(name, targets[0].deployment.provider) for name, targets in made.models(Principal("a"))]
    assert everything == [("m", "p"), ("v/*", "w")]
    assert [name for name, _ in made.models(Principal("a", models=frozenset({"m"})))] == ["m"]
