"""The examples of the doctor, copied, with a store in which something has happened."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from forebay.core.keys import IssuedKey
from forebay.core.types import Attempt, Limits, Record
from forebay.doctor.facts import DAY
from forebay.settings import Secret, StoreSettings
from forebay.store.plugin import build
from tests.support.records import record

EXAMPLES = Path(__file__).parents[2] / "examples" / "doctor"
NOW = 1_795_000_000.0
DOLLAR = 10**12


def copied(name: str, folder: Path) -> Path:
    """A copy of the example ``name``, three weeks old and readable by all: its configuration."""
    shutil.copytree(EXAMPLES / name, folder / name)
    path = folder / name / "forebay.yaml"
    path.chmod(0o644)
    os.utime(path, (NOW - 21 * DAY, NOW - 21 * DAY))
    return path


def key(name: str, tenant: str = "team", **fields: object) -> IssuedKey:
    """A key that was issued two months ago, and is as it should be."""
    good = {"limits": Limits(rpm=60), "expires": NOW + 90 * DAY, "created": NOW - 60 * DAY, **fields}
    return IssuedKey(f"key_{name}", name, tenant, "fb-abcd…wxyz", **good)  # type: ignore[arg-type] # a table's


def calls(model: str, days: Sequence[int], **fields: object) -> list[Record]:
    """Ten requests on each of the ``days`` before now."""
    return [record(0, at=NOW - day * DAY - number, model=model, **fields) for day in days for number in range(10)]


async def fill(keys: Sequence[IssuedKey], rows: Sequence[Record]) -> None:
    """Put ``keys`` and ``rows`` into the store of the folder where we are."""
    store = build(StoreSettings(Secret("sqlite:///forebay.db")))
    for number, each in enumerate(keys):
        await store.keys.add(f"{number:064x}", each)
    await store.usage.add([(f"row-{number}", row) for number, row in enumerate(rows)])
    await store.close()


FAILED_FIRST = (
    Attempt("pair", "openai/a", "first", 0.0, 0.1, "upstream_error"),
    Attempt("pair", "openai/b", "retry", 0.1, 0.2, "ok"),
)


async def fill_debts() -> None:
    """What the debts of the example `debts` are told by."""
    keys = [
        key("unlimited", limits=None),
        key("endless", expires=None),
        key("nobodys", tenant="default"),
        key("asleep"),
        key("ending", expires=NOW + 3 * DAY),
        key("gone", revoked=NOW - DAY, limits=None),
    ]
    month, week = range(1, 25), range(1, 7)
    rows = [
        *calls("chat", [*range(8, 25)], principal="root", cache="miss", cost=DOLLAR // 100, prompt="grown@1"),
        *calls("chat", week, principal="unlimited", cache="miss", cost=DOLLAR, prompt="stuffed@1"),
        *calls("pair", week, principal="endless", attempts=FAILED_FIRST, cost=1, prompt="summary@1"),
        *calls("newest", week, principal="nobodys", cost=None, deployment="openai/x", prompt="summary-2@1"),
        *calls("also-chat", week, principal="ending", status=502, outcome="error", cost=0),
        *calls("openai/gpt-5", month, principal="unlimited", cost=1, deployment="openai/gpt-5"),
    ]
    await fill(keys, rows)


async def fill_clean() -> None:
    """A month of use as it should be."""
    days = range(28)
    rows = calls("chat", days, principal="shop", cache="hit", cost=0, prompt="support@1")
    rows += calls("chat", days, principal="shop", cache="miss", cost=DOLLAR // 5, prompt="support@1")
    await fill([key("shop")], rows)
