"""From the store to links: what they show, and which addresses ask for them."""

import asyncio

from forebay.api import shares
from forebay.api.conversations.exchange import Asker
from forebay.api.http import Endpoint
from forebay.auth.trail import Trail
from forebay.core.ports import Authenticator
from forebay.core.store import Store
from forebay.reporting.reading import read
from forebay.reporting.tables import title
from forebay.reporting.writing import html

Endpoints = dict[str, dict[str, Endpoint]]


def endpoints(authenticator: Authenticator, store: Store, trail: Trail) -> Endpoints:
    """Making, listing, revoking and opening links."""

    async def report(tenant: str | None, since: float, until: float) -> tuple[str, bytes]:
        found = await read(store, tenant, since, until)
        return title(found), (await asyncio.to_thread(html, found)).encode()

    made = shares.ShareEndpoints(store.shares, store.conversations, report, Asker(authenticator), trail)
    return {
        shares.PATH: {"GET": made.list, "POST": made.create},
        shares.PREFIX: {"DELETE": made.revoke},
        shares.LINK: {"GET": made.open, "HEAD": made.open},
    }
