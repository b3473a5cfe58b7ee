"""Says what a deployment waits for while its replicas start, and for how long that is worth waiting.

Serve itself says nothing, and tries for ever: a replica that fits nowhere is one that may fit tomorrow.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from forebay.settings import ReplicaSettings

FIRST_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 1.0
CPU: Final = "CPU"


class Look(msgspec.Struct, frozen=True):
    """A cluster at one moment: replicas of each deployment that are not there yet, its resources, and what is free."""

    missing: Mapping[str, int]
    free: Mapping[str, float]
    total: Mapping[str, float]


class LateError(RuntimeError):
    """Not everything runs within the time for it; the message says what is missing."""


def awaited(run: Callable[[], object], tell: Callable[[], str], say: Callable[[str], None], seconds: float) -> None:
    """Let ``run`` come to its end, and ``say`` what ``tell`` tells, soon and whenever it is something else.

    Raises:
        LateError: it takes more than ``seconds``. Nothing is undone.
        BaseException: what ``run`` raises.
    """
    running = _Running(run)
    running.start()
    end, said = time.monotonic() + seconds, ""
    wait = FIRST_SECONDS
    while not running.ended(min(wait, max(0.0, end - time.monotonic()))):
        wait = LOOK_SECONDS
        told = tell()
        if time.monotonic() >= end:
            raise LateError(f"Not everything runs after {seconds:g} s. {told}")
        if told and told != said:
            said = told
            say(told)


def waits_for(look: Look, kinds: Mapping[str, ReplicaSettings]) -> str:
    """What the replicas that are missing need, and what there is; empty where none is missing."""
    missing = {name: number for name, number in look.missing.items() if number}
    if not missing:
        return ""
    needs = {name: _needs(kinds[name]) for name in missing}
    wanted = " and ".join(
        f"{number} of '{name}' ({_amounts(needs[name])} each)" for name, number in sorted(missing.items())
    )
    names = dict.fromkeys([CPU, *(each for need in needs.values() for each in need)])
    free = ", ".join(f"{look.free.get(each, 0.0):g} of {_amount(look.total.get(each, 0.0), each)}" for each in names)
    return f"Waiting for replicas: {wanted}. The cluster has {free} free.{_too_few(look, kinds)}"


def _too_few(look: Look, kinds: Mapping[str, ReplicaSettings]) -> str:
    wanted = sum(each.min * each.cpus for each in kinds.values())
    if wanted <= look.total.get(CPU, 0.0):
        return ""
    return f" All replicas together need {_amount(wanted, CPU)}: add nodes, or lower 'min' or 'cpus' of 'ray'."


def _needs(how: ReplicaSettings) -> dict[str, float]:
    return {CPU: how.cpus, **how.resources}


def _amounts(needs: Mapping[str, float]) -> str:
    return ", ".join(_amount(number, name) for name, number in needs.items())


def _amount(number: float, name: str) -> str:
    return f"{number:g} {name}{'s' if name == CPU and number != 1 else ''}"


class _Running(threading.Thread):
    """Something that is waited for; whoever waits no longer may end the process under it."""

    def __init__(self, run: Callable[[], object]) -> None:
        super().__init__(name="deploy", daemon=True)
        self._run = run
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Keep what it raises for whoever waits."""
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            self._failure = error

    def ended(self, seconds: float) -> bool:
        """Whether it has come to its end within ``seconds``; what it raised is raised."""
        self.join(seconds)
        if self._failure is not None:
            raise self._failure
        return not self.is_alive()
