"""How much of the event loop's time the built-in guards take, and what others' guards cost for the same texts.

    python bench/guard_peers.py

Peers are measured in the same run where they can be had: ``detect-secrets`` (Apache-2.0) and ``better-profanity``
(MIT), installed beside Forebay, and Guardrails AI in an environment of its own:

    python -m venv .venv-guardrails && .venv-guardrails/bin/pip install 'guardrails-ai>=0.11,<0.12'

Those that are missing are named and left out.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from guards import microseconds, stage  # beside

from forebay.core.ports import Guard
from forebay.core.verdicts import Context, Side
from forebay.guards.validators.jailbreak.guard import plugin as jailbreak
from forebay.guards.validators.pattern_list import plugin as patterns
from forebay.guards.validators.pii.guard import plugin as pii
from forebay.guards.validators.secret_tokens.guard import plugin as secrets
from forebay.guards.validators.words.ban_list import plugin as ban_list
from forebay.guards.validators.words.profanity import plugin as profanity
from forebay.plugins import GuardPlugin
from forebay.settings import PolicySettings

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.guarding import TOOLS
from tests.support.secret_samples import secrets as drawn_secrets

CONTEXT = Context(Side.INPUT)
PROSE = "The committee met on Tuesday, and nobody asked why the lamp in the hall of house 12 was still broken. "
SIZES = (100, 200, 500, 1_000, 10_000)
ROUNDS = 200
SEED = 77_310
DRAWS = 5
GUARDRAILS = Path(__file__).parents[1] / ".venv-guardrails/bin/python"
VALIDATE = """
import time
from guardrails import Guard
from guardrails.validator_base import FailResult, PassResult, Validator, register_validator

@register_validator(name="bench/nothing", data_type="string")
class Nothing(Validator):
    def validate(self, value, metadata):
        return PassResult()

def best(guard, text):
    guard.validate(text)
    found = []
    for _ in range(300):
        began = time.perf_counter()
        guard.validate(text)
        found.append(time.perf_counter() - began)
    return sorted(found)[len(found) // 2]

text = "word " * 200
print(best(Guard(), text) * 1e3, best(Guard().use(Nothing()), text) * 1e3)
"""


def built(plugin: GuardPlugin, **settings: object) -> Guard:
    """The guard of ``plugin``."""
    return plugin.build(msgspec.convert(settings, plugin.settings), TOOLS)


def tier_0() -> dict[str, Guard]:
    """The guards that every text can afford."""
    return {
        "`pii`": built(pii),
        "`secrets`": built(secrets),
        "`regex`, 64 patterns": built(
            patterns, patterns={f"p{number}": rf"\b(?:code|ticket)-{number}[0-9]{{4,8}}\b" for number in range(64)}
        ),
        "`ban_list`, 1,000 words": built(ban_list, words=[f"word{number}" for number in range(1_000)]),
        "`jailbreak`": built(jailbreak),
    }


async def on_the_loop(guards: list[Guard], text: str) -> float:
    """Milliseconds of this thread's processor time for one text, waiting for other threads not counted."""
    for guard in guards:
        await guard.check(text, CONTEXT)
    began = time.thread_time()
    for _ in range(ROUNDS):
        for guard in guards:
            await guard.check(text, CONTEXT)
    return (time.thread_time() - began) / ROUNDS * 1e3


async def loop_share() -> None:
    """Print it for each guard and for all, by the text's length."""
    guards = tier_0()
    print(f"\n| ms of the event loop's thread for so many characters | {' | '.join(f'{size:,}' for size in SIZES)} |")
    print("|---|" + "---|" * len(SIZES))
    for name, some in [*((name, [guard]) for name, guard in guards.items()), ("together", list(guards.values()))]:
        taken = [await on_the_loop(some, (PROSE * (size // len(PROSE) + 1))[:size]) for size in SIZES]
        print(f"| {name} | {' | '.join(f'{each:.3f}' for each in taken)} |")


async def milliseconds(guard: Guard, text: str) -> float:
    """What one check takes in all, the median of many."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await guard.check(text, CONTEXT)
        found.append(time.perf_counter() - began)
    return sorted(found)[ROUNDS // 2] * 1e3


def timed(work: Callable[[], object], rounds: int = 15) -> float:
    """Milliseconds, the median of some rounds."""
    work()
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return sorted(found)[rounds // 2] * 1e3


async def beside_detect_secrets() -> None:
    """Cost and recall beside detect-secrets, with the plug-ins and filters that are its default."""
    from detect_secrets import SecretsCollection  # noqa: PLC0415  # may not be there
    from detect_secrets.settings import default_settings  # noqa: PLC0415  # may not be there

    guard = built(secrets)
    ours = await milliseconds(guard, (PROSE * 10)[:1_000])
    found, mine, total = 0, 0, 0
    with default_settings(), TemporaryDirectory() as folder:
        file = Path(folder) / "text.txt"

        def scanned(text: str) -> list[Any]:
            file.write_text(text)
            collection = SecretsCollection()
            collection.scan_file(str(file))
            return [secret for _, secret in collection]

        theirs = timed(lambda: scanned((PROSE * 10)[:1_000].replace(", ", ",\n")))
        for seed in range(DRAWS):
            for holder, _ in drawn_secrets(Random(SEED + seed)).values():
                total += 1
                found += bool(scanned(holder))
                mine += bool((await guard.check(holder, CONTEXT)).spans)
    row(
        "`secrets`", ours, "detect-secrets", theirs, f"{mine / total:.3f} / {found / total:.3f} of {total} drawn tokens"
    )


async def beside_better_profanity() -> None:
    """Cost beside better-profanity's list."""
    from better_profanity import profanity as other  # noqa: PLC0415  # may not be there

    text = (PROSE * 10)[:1_000]
    ours = await milliseconds(built(profanity), text)
    row("`profanity`", ours, "better-profanity", timed(lambda: other.censor(text), 5), "")


def guardrails() -> tuple[float, float]:
    """Milliseconds of a call without a validator, and with one that has nothing to do."""
    done = subprocess.run([GUARDRAILS, "-c", VALIDATE], capture_output=True, text=True, check=True, timeout=120)
    nothing, one = map(float, done.stdout.split()[-2:])
    return nothing, one


async def beside_guardrails(nothing: float, one: float) -> None:
    """What judging a text costs before any validator has work to do, beside what `guardrails` measured."""
    base = await microseconds()
    ours = (await microseconds(stage(0, PolicySettings())) - base) / 2 / 1e3
    row("one that finds nothing, a text", ours, "Guardrails AI, no validator", nothing, "")
    row("one that finds nothing, a text", ours, "Guardrails AI, one that does nothing", one, "")


def row(name: str, ours: float, other: str, theirs: float, found: str) -> None:
    """Print one line of the table."""
    print(f"| {name} | {ours:.3f} | {other} | {theirs:.3f} | {theirs / ours:,.0f} x | {found} |", flush=True)


async def peers() -> None:
    """Print the peers' table."""
    print("\n| guard | ms/kB | beside | ms/kB | ratio | found, ours / theirs |\n|---|---|---|---|---|---|")
    wanted: dict[str, Any] = {"detect_secrets": beside_detect_secrets, "better_profanity": beside_better_profanity}
    for name, measure in wanted.items():
        if find_spec(name) is None:
            print(f"not measured: {name} is not installed")
            continue
        await measure()
    if GUARDRAILS.exists():
        await beside_guardrails(*guardrails())
    else:
        print("not measured: Guardrails AI is not in .venv-guardrails")


if __name__ == "__main__":
    asyncio.run(loop_share())
    asyncio.run(peers())
