"""Reads what a report is about: two periods of the ledger, and what people said."""

from collections.abc import Sequence
from typing import Final

import msgspec

from forebay.core.feedback import Feedback, FeedbackQuery
from forebay.core.ledger import UsageQuery, latest_rows
from forebay.core.store import Store
from forebay.reporting.figures import Report, report

PAGE: Final = 100


async def read(store: Store, tenant: str | None, since: float, until: float) -> Report:
    """The report of a tenant (``None``: of all) from ``since`` to before ``until``, in seconds since the epoch.

    Raises:
        UnavailableError: the store cannot be read now.
    """
    rows = await latest_rows(store.usage, UsageQuery(tenant=tenant, since=2 * since - until, until=until))
    return report(rows, await _said(store, tenant, since), since, until)


async def _said(store: Store, tenant: str | None, since: float) -> Sequence[Feedback]:
    found: list[Feedback] = []
    query = FeedbackQuery(tenant=tenant)
    while page := await store.feedback.list(query, PAGE):
        found += [each for each in page if each.created >= since]
        if page[-1].created < since:
            break
        query = msgspec.structs.replace(query, after=page[-1].id)
    return found
