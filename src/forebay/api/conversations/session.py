"""One response while it is generated: what of it is kept, and when."""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from forebay.api.conversations.history import said
from forebay.api.responses.response import Response
from forebay.core.conversations import Ending, Facts, Item, Opened, Progress, Responses, Status
from forebay.core.errors import UnavailableError

logger = logging.getLogger("forebay.api")


class Draft(Protocol):
    """What there is of an answer by now."""

    def kept(self) -> Sequence[dict[str, Any]]:
        """Its items."""
        ...

    def facts(self) -> Facts:
        """How it came to be."""
        ...


class Session:
    """A response in the store, which ``opened`` in a conversation, and its whole ``history``.

    ``wished`` says that the client wants it kept, so that it must be told if it is not.
    """

    def __init__(
        self,
        response: str,
        opened: Opened,
        history: Sequence[Item],
        store: Responses,
        wished: bool,  # noqa: FBT001  # what the client said
    ) -> None:
        self.response = response
        self.conversation = opened.conversation
        self.again = opened.again
        self.history = history
        self.draft: Draft | None = None
        self._store = store
        self._wished = wished
        self._length = 0

    def progress(self) -> Progress:
        """What has changed since this was last asked: all items, or none."""
        items = self._items()
        length = len(items) + sum(len(item.text) for item in items)
        if length == self._length:
            return Progress(self.response, [])
        self._length = length
        return Progress(self.response, items)

    async def end(self, response: Response, items: Sequence[dict[str, Any]], facts: Facts) -> None:
        """Keep the whole.

        Raises:
            UnavailableError: that cannot be done now, and the client wants it done.
        """
        await self._end(response.status, said(items, self.response, facts), response)

    async def cut(self) -> None:
        """Keep what there is, marked as incomplete; where that cannot be done, others will see that it was."""
        items = [_ended(item) for item in self._items()]
        try:
            await self._end("incomplete", items, None)
        except UnavailableError:
            logger.warning("response %s was cut off, and the store does not know yet", self.response)

    async def withdraw(self) -> None:
        """Forget it: there was no answer."""
        try:
            await self._store.withdraw(self.response)
        except UnavailableError:
            logger.warning("response %s failed, and the store does not know yet", self.response)

    def _items(self) -> Sequence[Item]:
        draft = self.draft
        return [] if draft is None else said(draft.kept(), self.response, draft.facts())

    async def _end(self, status: Status, items: Sequence[Item], response: Response | None) -> None:
        body = {} if response is None else _body(response)
        try:
            await self._store.end(Ending(self.response, status, items, body))
        except UnavailableError:
            if self._wished:
                raise
            logger.warning("response %s could not be kept", self.response)


def _ended(item: Item) -> Item:
    return msgspec.structs.replace(item, status="incomplete") if item.status == "in_progress" else item


def _body(response: Response) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(response)
    del body["output"]
    return body
