"""The latest calls are remembered, for those whose they were."""

from forebay.core.types import Call, Principal
from forebay.gateway.explain import Explanations
from tests.support.scripted import call


def numbered(number: int, principal: Principal) -> Call:
    plain = call()
    return Call(f"r{number}", plain.request, principal, plain.trace)


def test_only_the_latest_are_remembered() -> None:
    alice = Principal("alice", "team")
    explanations = Explanations(limit=3)
    for number in range(10):
        explanations.keep(numbered(number, alice))
    found = [number for number in range(10) if explanations.find(f"r{number}", alice)]
    assert found == [7, 8, 9]


def test_each_is_told_about_its_own_tenant_and_an_admin_about_all() -> None:
    explanations = Explanations()
    explanations.keep(numbered(1, Principal("alice", "team")))
    assert explanations.find("r1", Principal("bob", "team", frozenset({"x"}))) is not None
    assert explanations.find("r1", Principal("alice", "other")) is None
    assert explanations.find("r1", Principal("root", "other", admin=True)) is not None
