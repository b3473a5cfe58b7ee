"""Which provider is asked for files and batches, and who may ask."""

import time

import pytest

from forebay.core.access import Access
from forebay.core.errors import InvalidRequestError, PermissionDeniedError
from forebay.core.operations import STORED
from forebay.core.types import Call, Deployment, Operation, Principal, Request, Trace, Whole
from forebay.gateway.stored import Keepers
from forebay.gateway.target import Model, Target
from tests.support.scripted import Scripted


def scripted(*operations: Operation) -> Scripted:
    provider = Scripted([b"{}"])
    provider.operations = frozenset(operations)
    return provider


def call(principal: Principal, provider: str = "", operation: Operation = Operation.FILES) -> Call:
    request = Request(operation, "", b"", access=Access("GET", "", provider))
    return Call("r", request, principal, Trace(time.perf_counter()))


ANYBODY = Principal("a")
KEEPING = {"one": scripted(*STORED), "two": scripted(Operation.FILES), "three": scripted(Operation.CHAT)}
WILDCARDS = {
    name: Model(name, (Target(Deployment("d", provider, model), KEEPING[provider]),))
    for name, provider, model in (("all/*", "one", "*"), ("some/*", "one", "ft-*"), ("m", "one", "m"))
}


async def test_the_only_one_that_can_is_asked() -> None:
    asked = call(ANYBODY, operation=Operation.BATCHES)
    assert await Keepers(KEEPING, {}, {})(asked) == Whole(b"{}")
    assert asked.trace.deployment == "one"
    assert [each.outcome for each in asked.trace.attempts] == ["ok"]


async def test_one_is_named_where_several_can() -> None:
    keepers = Keepers(KEEPING, {}, {})
    with pytest.raises(InvalidRequestError, match="Say which provider to ask: name one of 'one', 'two' in the header"):
        await keepers(call(ANYBODY))
    asked = call(ANYBODY, "two")
    await keepers(asked)
    assert asked.trace.deployment == "two"


@pytest.mark.parametrize("provider", ["three", "four", "one/../two"])
async def test_one_that_cannot_is_not_asked(provider: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"No provider '.*' keeps files: name one of 'one', 'two'"):
        await Keepers(KEEPING, {}, {})(call(ANYBODY, provider))


async def test_nobody_can() -> None:
    with pytest.raises(InvalidRequestError, match="No provider here keeps files"):
        await Keepers({"three": KEEPING["three"]}, {}, {})(call(ANYBODY))


@pytest.mark.parametrize(
    ("models", "tenant", "open_"),
    [
        (None, "mine", True),
        (frozenset({"all/*", "m"}), "mine", True),
        (frozenset({"all/*"}), "default", False),
        (None, "default", False),
        (frozenset({"some/*", "m"}), "mine", False),
        (frozenset({"one/*"}), "mine", False),
        (frozenset[str](), "mine", False),
    ],
)
async def test_they_are_one_tenant_s_and_there_for_every_model(
    models: frozenset[str] | None, tenant: str, *, open_: bool
) -> None:
    keepers = Keepers({"one": KEEPING["one"]}, WILDCARDS, {"one": "mine"})
    asked = call(Principal("a", tenant, models))
    if open_:
        await keepers(asked)
    else:
        with pytest.raises(PermissionDeniedError, match="belong to one tenant"):
            await keepers(asked)


async def test_one_s_own_is_found_among_those_of_others() -> None:
    keepers = Keepers(KEEPING, {}, {"two": "other"})
    for tenant, provider in (("default", "one"), ("other", "two")):
        asked = call(Principal("a", tenant))
        await keepers(asked)
        assert asked.trace.deployment == provider
