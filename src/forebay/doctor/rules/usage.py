"""Debts that only use shows: spend that moved, failures that became normal, costs that nobody knows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from forebay.core.money import PICO
from forebay.core.types import Record
from forebay.doctor.facts import DAY, ENOUGH, Facts
from forebay.doctor.rule import Rule, Spot

_MOVED: Final = 0.5
_LEAST_DOLLARS: Final = 1.0
_FAILING: Final = 0.05
_UNKNOWN: Final = 0.05
_AGAIN: Final = 0.5
_SERVER_ERROR: Final = 500
_OLD_DAYS: Final = 180


def _moved(facts: Facts) -> Iterator[Spot]:
    now, before = _spent(facts.recent()), _spent(facts.before())
    for model in sorted(now.keys() | before.keys()):
        new, old = now[model] / PICO, before[model] / PICO
        if max(new, old) >= _LEAST_DOLLARS and old and abs(new - old) > _MOVED * old:
            yield Spot(f"usage.{model}", f"has cost ${new:.2f} in the last week, and ${old:.2f} in the week before")


def _spent(rows: Sequence[Record]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row.model] += row.cost or 0
    return found


def _failing(facts: Facts) -> Iterator[Spot]:
    for model, rows in _by_model(facts.recent()):
        failed = sum(row.status >= _SERVER_ERROR for row in rows)
        if failed > _FAILING * len(rows):
            yield Spot(f"usage.{model}", f"{failed} of {len(rows)} requests of the last week have failed")


def _again(facts: Facts) -> Iterator[Spot]:
    for model, rows in _by_model(facts.recent()):
        again = sum(len(row.attempts) > 1 for row in rows)
        if again > _AGAIN * len(rows):
            yield Spot(f"usage.{model}", f"{again} of {len(rows)} requests of the last week took more than one attempt")


def _unpriced(facts: Facts) -> Iterator[Spot]:
    for model, rows in _by_model(facts.recent()):
        unknown = sum(row.cost is None and row.outcome != "error" for row in rows)
        if unknown > _UNKNOWN * len(rows) and facts.vendors.get(rows[-1].deployment.partition("/")[0]):
            yield Spot(
                f"usage.{model}", f"nobody knows what {unknown} of {len(rows)} requests of the last week have cost"
            )


def _by_model(rows: Sequence[Record]) -> Iterator[tuple[str, list[Record]]]:
    """The rows of each model that has enough of them."""
    found: dict[str, list[Record]] = {}
    for row in rows:
        if row.model:
            found.setdefault(row.model, []).append(row)
    return ((model, each) for model, each in sorted(found.items()) if len(each) >= ENOUGH)


def _no_ledger(facts: Facts) -> Iterator[Spot]:
    if facts.settings.store is None and facts.settings.models and not facts.is_behind:
        yield Spot("store", "nothing is written down: who has used what, and for how much, is known to nobody")


def _for_ever(facts: Facts) -> Iterator[Spot]:
    store = facts.settings.store
    if store is not None and store.retention is None:
        yield Spot("store.retention", "rows about people are kept for ever")


def _old_prices(facts: Facts) -> Iterator[Spot]:
    days = (facts.now - facts.prices_date) / DAY
    if facts.prices_date and days > _OLD_DAYS and any(facts.vendors.values()):
        yield Spot("prices", f"the price list that came with Forebay is {int(days)} days old")


RULES: Final = (
    Rule("FB801", "warning", "Spend that moved", "See who it was: GET /v1/usage?group_by=principal.", _moved),
    Rule("FB802", "error", "Model that fails", "See the log for its errors; add a fallback.", _failing),
    Rule("FB803", "warning", "Retries as a habit", "Put the deployment that works first.", _again),
    Rule("FB804", "warning", "Requests whose cost is not known", "Tell the price in 'prices'.", _unpriced),
    Rule("FB805", "warning", "No ledger", "Add 'store: {}'.", _no_ledger),
    Rule("FB806", "info", "Rows that are kept for ever", "Set 'retention'.", _for_ever),
    Rule("FB807", "info", "Old prices", "Upgrade Forebay, or tell the prices in 'prices'.", _old_prices),
)
