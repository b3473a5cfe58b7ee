"""Which adapters a principal sees, and who may change them."""

import pytest

from forebay.core.adapters import AdapterSource
from forebay.core.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from forebay.core.types import Deployment, Principal
from forebay.gateway.adapters import AdapterManager, Listed
from forebay.gateway.route import Route
from forebay.gateway.target import Model, Target
from tests.support.scripted import Scripted, ScriptedAdapters

ALL = Principal("root")
SOURCE = AdapterSource("support", "support-v2")


def manager(**providers: Scripted) -> AdapterManager:
    return AdapterManager(
        Route({name: Model(name, (Target(Deployment("p/x", name, "x"), each),)) for name, each in providers.items()})
    )


async def test_everybody_sees_the_adapters_they_may_use() -> None:
    found = manager(m=ScriptedAdapters([], {"a": "", "b": ""}), n=ScriptedAdapters([], {"a": ""}), plain=Scripted([]))
    assert [each.name for each in await found.list(ALL)] == ["m:a", "m:b", "n:a"]
    assert await found.list(Principal("k", models=frozenset({"m", "m:b"}))) == [Listed("m:b", "m", "m")]


async def test_a_provider_that_does_not_tell_hides_no_other_ones() -> None:
    silent = ScriptedAdapters([], {"a": ""})
    silent.listing = UnavailableError("not now")
    assert [each.name for each in await manager(m=silent, n=ScriptedAdapters([], {"b": ""})).list(ALL)] == ["n:b"]


async def test_an_adapter_has_its_model_for_parent() -> None:
    found = manager(m=ScriptedAdapters([], {"a": ""}))
    assert await found.parent(ALL, "m:a") == "m"
    with pytest.raises(ModelNotFoundError):
        await found.parent(ALL, "m:b")


async def test_all_deployments_of_a_model_load_and_unload() -> None:
    one, two = ScriptedAdapters([]), ScriptedAdapters([])
    targets = tuple(Target(Deployment("p/x", "p", "x"), each) for each in (one, Scripted([]), two))
    found = AdapterManager(Route({"m": Model("m", targets)}))
    await found.load(ALL, SOURCE, None)
    assert one.loaded == two.loaded == {"support": "support-v2"}
    await found.unload(ALL, "m:support", None)
    assert one.loaded == two.loaded == {}
    with pytest.raises(NotFoundError):
        await found.unload(ALL, "m:support", "m")


async def test_the_model_is_named_where_there_are_several() -> None:
    first, second = ScriptedAdapters([]), ScriptedAdapters([])
    found = manager(m=first, n=second)
    with pytest.raises(InvalidRequestError, match="m, n"):
        await found.load(ALL, SOURCE, None)
    await found.load(ALL, SOURCE, "n")
    await found.load(Principal("k", models=frozenset({"m:*"})), SOURCE, None)
    assert first.loaded == second.loaded == {"support": "support-v2"}


async def test_who_may_only_use_an_adapter_may_not_change_it() -> None:
    found = manager(m=ScriptedAdapters([], {"support": ""}))
    user = Principal("k", models=frozenset({"m", "m:support"}))
    with pytest.raises(PermissionDeniedError):
        await found.load(user, SOURCE, None)
    with pytest.raises(PermissionDeniedError):
        await found.unload(user, "support", "m")
    with pytest.raises(PermissionDeniedError):
        await found.load(Principal("k", models=frozenset({"m:support"})), SOURCE, None)


@pytest.mark.parametrize("model", ["plain", "other", ""])
async def test_a_model_without_adapters_is_a_404(model: str) -> None:
    with pytest.raises(ModelNotFoundError):
        await manager(m=ScriptedAdapters([]), plain=Scripted([])).load(ALL, SOURCE, model)


async def test_a_model_that_the_principal_may_not_see_is_a_404() -> None:
    with pytest.raises(ModelNotFoundError):
        await manager(m=ScriptedAdapters([])).load(Principal("k", models=frozenset({"n"})), SOURCE, "m")
    with pytest.raises(InvalidRequestError, match="no model"):
        await manager(m=ScriptedAdapters([])).load(Principal("k", models=frozenset({"n"})), SOURCE, None)
