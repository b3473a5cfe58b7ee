"""``/v1/conversations/{id}/items``: what was said, on one branch of a conversation."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from forebay.api.conversations.exchange import Asker
from forebay.api.conversations.history import heard, shown
from forebay.api.conversations.query import Query, listed
from forebay.api.http import Receive, Scope, Send, send_json
from forebay.api.responses.shapes import ENCRYPTED
from forebay.api.responses.shapes import Item as Sent
from forebay.core.conversations import START, BranchQuery, Conversations
from forebay.core.decode import decode

LARGEST_PAGE: Final = 2000


class Add(Struct, frozen=True):
    """Items that come to a conversation; after ``parent``, ``None`` at its start, or wherever it is."""

    items: Annotated[list[Sent], Meta(min_length=1, max_length=20)]
    parent: str | UnsetType | None = UNSET


class ItemEndpoints:
    """Called with the ids that stand in the path."""

    def __init__(self, conversations: Conversations, asker: Asker) -> None:
        self._conversations = conversations
        self._asker = asker

    async def list(self, scope: Scope, send: Send, request_id: str, conversation: str) -> None:
        """One page of a branch."""
        owner = await self._asker.owner(scope)
        query = Query(scope, ("limit", "after", "order", "leaf"))
        wanted, limit = branch_query(query)
        found = await self._conversations.branch(owner, conversation, wanted)
        page = [shown(item, encrypted=ENCRYPTED in query.include) for item in found[:limit]]
        await send_json(send, request_id, listed(page, len(found) > limit))

    async def add(self, scope: Scope, receive: Receive, send: Send, request_id: str, conversation: str) -> None:
        """More of them."""
        owner = await self._asker.owner(scope)
        wish = decode((await receive())["body"], Add)
        parent = None if wish.parent is UNSET else wish.parent or START
        new = await self._conversations.add(owner, conversation, heard(wish.items, "items"), parent)
        await send_json(send, request_id, listed([shown(item) for item in new], more=False))

    async def read(self, scope: Scope, send: Send, request_id: str, conversation: str, item: str) -> None:
        """One of them."""
        owner = await self._asker.owner(scope)
        encrypted = ENCRYPTED in Query(scope, ()).include
        await send_json(send, request_id, shown(await self._conversations.item(owner, conversation, item), encrypted))


def branch_query(query: Query) -> tuple[BranchQuery, int]:
    """Which items are wanted, one more than the page has, so that it is known whether there are more."""
    limit = query.limit(LARGEST_PAGE)
    newest_first = query.choice("order", "desc", "asc") == "desc"
    return BranchQuery(query.text("leaf") or None, query.text("after"), limit + 1, newest_first), limit
