"""Deployments are asked how they are, and what they say counts."""

import asyncio

from forebay.core.types import Deployment
from forebay.gateway.health import HealthChecks, check
from forebay.gateway.target import Target
from forebay.settings import HealthSettings
from tests.gateway.test_resilience import model, route, tried
from tests.support.scripted import call
from tests.support.turns import Turns, until

OFTEN = HealthSettings(interval=0.005, timeout=0.05)


class Probing(Turns):
    """One that can be asked."""

    def __init__(self) -> None:
        super().__init__(b"{}")
        self.probes: list[str] = []
        self.hangs = False

    async def probe(self, path: str, seconds: float, /) -> str | None:
        self.probes.append(path)
        if self.hangs:
            await asyncio.sleep(seconds + 60)
        return self.trouble


def target(provider: Turns) -> Target:
    return Target(Deployment("p/x", "p", "x"), provider)


async def test_one_that_says_it_cannot_is_not_asked() -> None:
    sick, well = Turns(b"{}"), Turns(b"{}")
    made = model(sick, well)
    sick.trouble = "its thread died"
    await check(made.targets[0], OFTEN)
    asked = call()
    await route(made)(asked)
    assert tried(asked) == [("m1/x", "first", "ok")]
    assert asked.trace.choices[0].left_out == (("m0/x", "unhealthy: its thread died"),)
    sick.trouble = None
    await check(made.targets[0], OFTEN)
    await route(made)(asked)
    assert len(sick.asked) == 1


async def test_a_probe_asks_the_path_and_a_hanging_one_is_a_failure() -> None:
    provider = Probing()
    watched = target(provider)
    await check(watched, HealthSettings(path="/health"))
    assert (provider.probes, watched.live.out) == (["/health"], False)
    provider.hangs = True
    await check(watched, OFTEN)
    assert watched.live.unhealthy == "no answer to /models within 0.05 s"


async def test_checks_run_as_long_as_they_are_wanted() -> None:
    provider = Probing()
    watched = target(provider)
    provider.trouble = "sick"
    checks = HealthChecks([(watched, OFTEN)])
    checks.start()
    await until(lambda: len(provider.probes) >= 3)
    assert watched.live.unhealthy
    await checks.stop()
    assert not watched.live.out
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("health")]
