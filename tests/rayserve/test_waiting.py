"""What a deployment waits for is said in time, and not waited for without end."""

import threading

import pytest

from forebay.rayserve import waiting
from forebay.rayserve.waiting import LateError, Look, awaited, waits_for
from forebay.settings import EngineReplicaSettings, ReplicaSettings

KINDS = {"gateway": ReplicaSettings(min=1, cpus=1), "engine": EngineReplicaSettings(min=2, cpus=4)}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.01)


def test_what_is_missing_is_told_with_what_there_is() -> None:
    look = Look({"gateway": 1, "engine": 2}, {"CPU": 0.5}, {"CPU": 4.0})
    assert waits_for(look, KINDS) == (
        "Waiting for replicas: 2 of 'engine' (4 CPUs each) and 1 of 'gateway' (1 CPU each). "
        "The cluster has 0.5 of 4 CPUs free. "
        "All replicas together need 9 CPUs: add nodes, or lower 'min' or 'cpus' of 'ray'."
    )


def test_resources_of_ones_own_are_told_as_well() -> None:
    kinds = {"engine": EngineReplicaSettings(cpus=0.5, resources={"big": 1.0})}
    look = Look({"engine": 1}, {"CPU": 3.0}, {"CPU": 4.0, "big": 2.0})
    assert waits_for(look, kinds) == (
        "Waiting for replicas: 1 of 'engine' (0.5 CPUs, 1 big each). The cluster has 3 of 4 CPUs, 0 of 2 big free."
    )
    assert waits_for(Look({"engine": 0}, {}, {"CPU": 4.0}), kinds) == ""


def test_it_is_said_once_for_each_change() -> None:
    done = threading.Event()
    looks = iter(["one", "one", "", "two", "two"])
    said: list[str] = []

    def tell() -> str:
        found = next(looks, None)
        if found is None:
            done.set()
        return found or ""

    awaited(done.wait, tell, said.append, 10)
    assert said == ["one", "two"]


def test_what_takes_too_long_is_given_up_with_what_is_missing() -> None:
    never = threading.Event()
    with pytest.raises(LateError, match=r"Not everything runs after 0\.1 s\. two CPUs"):
        awaited(never.wait, lambda: "two CPUs", lambda _: None, 0.1)
    never.set()


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise RuntimeError("no such image")

    with pytest.raises(RuntimeError, match="no such image"):
        awaited(fail, lambda: "", lambda _: None, 10)
