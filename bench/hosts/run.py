"""What fails, what recovers and in how long, when the network between Forebay's hosts does: prints a table.

    sudo .venv/bin/python bench/hosts/run.py --only redis,database

Two gateways, two engines, Redis, PostgreSQL and the clients are hosts of their own (`network.py`). Every fault begins
under a steady load, lasts some seconds and ends; the load goes on. Linux, as root; six minutes for all.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from load import OK, PATIENCE
from network import Fault, Link, Network, inside
from parts import ADDRESSES, ENGINES, GATEWAYS, LOAD, MODELS, Parts

BEFORE, DURING, AFTER = 3.0, 8.0, 12.0
"""Seconds of load before a fault, with it, and after its end."""

SLOW = 1.0
"""An answer that takes so many seconds longer than those before the fault is not yet as it was."""


@dataclass(frozen=True)
class Scenario:
    """A fault of the network, or of one host's processes."""

    name: str
    title: str
    fault: Fault
    killed: str | None = None
    model: str = "paced"
    rate: float = 4.0


def between(some: Sequence[str], others: Sequence[str], **link: float) -> Fault:
    """A fault of the links between hosts."""
    return lambda network: network.between(some, others, Link(**link))


ALL = tuple(ADDRESSES)
CUT = {"cut": True}
SCENARIOS = (
    Scenario("none", "nothing", lambda _network: None),
    Scenario("delay", "50 ms each way between all hosts", between(ALL, ALL, delay=0.05)),
    Scenario("loss", "2 % of all packets lost", between(ALL, ALL, loss=0.02)),
    Scenario("heavy-loss", "15 % lost between gateways and engines", between(GATEWAYS, ENGINES, loss=0.15)),
    Scenario("engine", "engine 1 cut off", between(["engine1"], GATEWAYS, **CUT)),
    Scenario("engine-killed", "engine 1 killed, started again", lambda _network: None, "engine1"),
    Scenario("engines", "both engines cut off", between(ENGINES, GATEWAYS, **CUT)),
    Scenario("model", "the real engine cut off", between(["model"], GATEWAYS, **CUT), model="smollm2", rate=1.0),
    Scenario("redis", "Redis cut off", between(["redis"], GATEWAYS, **CUT)),
    Scenario("redis-half", "Redis cut off from gateway 1", between(["redis"], ["gateway1"], **CUT)),
    Scenario("database", "PostgreSQL cut off", between(["database"], GATEWAYS, **CUT)),
    Scenario("gateway", "gateway 1 cut off from clients", between(["gateway1"], ["clients"], **CUT)),
    Scenario("gateway-killed", "gateway 1 killed, started again", lambda _network: None, "gateway1"),
)


@dataclass
class Measured:
    """What became of the requests of one scenario; times in seconds since the fault began."""

    scenario: Scenario
    requests: list[dict[str, object]] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    def row(self) -> list[str]:
        """A row of the table."""
        hit = [each for each in self.requests if self._begin(each) < self.ended and self._end(each) > self.began]
        failed: dict[str, int] = {}
        for each in hit:
            if each["outcome"] != OK:
                failed[str(each["outcome"])] = failed.get(str(each["outcome"]), 0) + 1
        bad = [each for each in self.requests if not self._well(each)]
        told = ", ".join(f"{count} {name}" for name, count in sorted(failed.items())) or "none"
        firsts = sorted(float(str(each["ttft"])) for each in hit if each["outcome"] == OK)
        slowest = f"{1000 * firsts[-1]:.0f}" if firsts else "-"
        middle = f"{1000 * firsts[len(firsts) // 2]:.0f}" if firsts else "-"
        last = max((self._begin(each) for each in bad if self._begin(each) < self.ended), default=self.began)
        late = max((self._begin(each) for each in bad if self._begin(each) >= self.ended), default=self.ended)
        passed = "to its end" if self.ended - last < 2 / self.scenario.rate else f"{last - self.began:.1f}"
        return [
            self.scenario.title,
            str(len(hit)),
            told,
            middle,
            slowest,
            passed if last > self.began else "0",
            f"{late - self.ended:.1f}" if late > self.ended else "0",
        ]

    def _well(self, request: dict[str, object]) -> bool:
        return request["outcome"] == OK and self._took(request) < self._usual() + SLOW

    def _usual(self) -> float:
        took = [self._took(each) for each in self.requests if self._end(each) < self.began]
        return statistics.median(took) if took else 0.0

    def _took(self, request: dict[str, object]) -> float:
        return self._end(request) - self._begin(request)

    @staticmethod
    def _begin(request: dict[str, object]) -> float:
        return float(str(request["begin"]))

    @staticmethod
    def _end(request: dict[str, object]) -> float:
        return float(str(request["end"]))


HEAD = (
    "fault, 8 s long",
    "requests it met",
    "of them failed",
    "TTFT p50, ms",
    "slowest, ms",
    "failed or slow for, s",
    "after its end, s",
)


async def measure(scenario: Scenario, network: Network, parts: Parts) -> Measured:
    """Let the fault happen under load."""
    loop = asyncio.get_running_loop()
    measured = Measured(scenario)
    async with _load(scenario) as output:
        await asyncio.sleep(BEFORE)
        measured.began = loop.time()
        scenario.fault(network)
        if scenario.killed:
            parts.kill(scenario.killed)
        await asyncio.sleep(DURING)
        network.heal()
        if scenario.killed:
            parts.start(scenario.killed)
        measured.ended = loop.time()
        measured.requests = [json.loads(line) async for line in output]
    return measured


@contextlib.asynccontextmanager
async def _load(scenario: Scenario) -> AsyncIterator[asyncio.StreamReader]:
    """The clients; what they print comes at their end."""
    command = [*inside("clients"), sys.executable, LOAD]
    command += [f"http://{ADDRESSES[name]}:8080" for name in GATEWAYS]
    command += ["--model", scenario.model, "--rate", str(scenario.rate)]
    command += ["--seconds", str(BEFORE + DURING + AFTER)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(BEFORE + DURING + AFTER + 2 * PATIENCE):
            yield process.stdout
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run(chosen: Sequence[Scenario], folder: Path) -> None:
    """Print a row for each scenario, then what the ledger has of all."""
    here = asyncio.current_task()
    assert here is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, here.cancel)  # so that nothing is left behind
    network = Network(ADDRESSES)
    with network.up(), Parts(folder) as parts:
        await parts.ready()
        print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
        answered = len(GATEWAYS) * len(MODELS)  # what was asked to see that all are up
        for scenario in chosen:
            measured = await measure(scenario, network, parts)
            answered += sum(each["outcome"] == OK for each in measured.requests)
            print(f"| {' | '.join(measured.row())} |", flush=True)
        rows = await parts.rows(answered)
        print(f"\nledger: {rows} rows that ended well, for {answered} answers that came whole")
        print(f"network: {network.carried} packets carried, {network.dropped} dropped")


def main() -> None:
    """Measure what was chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of: {','.join(each.name for each in SCENARIOS)}")
    names = (parser.parse_args().only or "").split(",")
    if os.geteuid() != 0:
        sys.exit("network namespaces are root's to make")
    chosen = [each for each in SCENARIOS if names == [""] or each.name in names]
    with tempfile.TemporaryDirectory(prefix="forebay-hosts-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL is run by another user
        asyncio.run(run(chosen, Path(folder)))


if __name__ == "__main__":
    main()
