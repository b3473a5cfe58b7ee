"""All responses that are being generated here: what there is of them is written down every second."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from forebay.api.conversations.history import heard, is_reference, sent_again
from forebay.api.conversations.session import Session
from forebay.api.conversations.titles import first_words
from forebay.api.responses.shapes import ConversationParam, ResponseParams
from forebay.api.responses.shapes import Item as Sent
from forebay.core.conversations import Item, Opening, Owner
from forebay.core.errors import ForebayError, NotFoundError
from forebay.core.following import Following
from forebay.core.store import Store
from forebay.settings import ConversationSettings

WRITE_SECONDS: Final = 1.0
MEND_SECONDS: Final = 5.0
FORGET_SECONDS: Final = 3600.0
CLOSE_SECONDS: Final = 5.0
TASKS: Final = 1000

logger = logging.getLogger("forebay.api")


class Keeper:
    """Lives as long as the process; ``start`` and ``close`` go around everything else."""

    def __init__(self, store: Store, settings: ConversationSettings) -> None:
        self.store = store
        self.settings = settings
        self._sessions: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: Following | None = None
        self._mend_at = 0.0
        self._forget_at = 0.0

    async def start(self) -> None:
        """Begin to write."""
        self._writer = Following(self._write, WRITE_SECONDS, "conversations cannot be written down as they come")
        await self._writer.start()

    async def close(self) -> None:
        """Keep what there is of everything that is still under way."""
        if self._writer is None:
            return
        await self._writer.close()
        for session in [*self._sessions.values()]:
            self.abandon(session)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def begin(self, owner: Owner, params: ResponseParams, response: str) -> Session:
        """Keep what is said, and know what was said before.

        Raises:
            UnavailableError: that cannot be done now.
            NotFoundError: it is to go on with what is not there.
            InvalidRequestError: it cannot be gone on so.
        """
        place = params.conversation
        where = ConversationParam(place) if isinstance(place, str) else place
        items = heard(await self.sent(owner, params))
        parent = (where.parent or "") if where and (where.parent is None or isinstance(where.parent, str)) else None
        title = "" if self.settings.titles == "off" else first_words(items)
        opening = Opening(
            response,
            time.time(),
            params.model,
            items,
            where.id if where else "",
            params.previous_response_id or "",
            parent,
            title,
        )
        opened = await self.store.responses.begin(owner, opening)
        wished = bool(params.store or where or params.previous_response_id)
        history = [*opened.history, *items]
        session = Session(response, opened, history, self.store.responses, wished)
        self._sessions[response] = session
        return session

    async def sent(self, owner: Owner, params: ResponseParams) -> str | Sequence[Sent]:
        """The input, with the items that it only names in their place.

        Raises:
            NotFoundError: there is no such item of ``owner``'s.
        """
        if isinstance(params.input, str):
            return params.input
        names = [item.id for item in params.input if item.id and is_reference(item)]
        if not names:
            return params.input
        known = await self.store.conversations.items(owner, names)
        return [_referred(item, known) for item in params.input]

    def ended(self, session: Session) -> None:
        """Nothing more comes of it."""
        self._sessions.pop(session.response, None)

    def abandon(self, session: Session) -> None:
        """Its client is gone: keep what there is, without anybody waiting for it."""
        if self._sessions.pop(session.response, None) is not None:
            self.later(session.cut())

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` aside, unless there is too much of it."""
        if len(self._tasks) >= TASKS:
            work.close()
            return
        task = asyncio.create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self) -> None:
        now = time.monotonic()
        responses = self.store.responses
        if progress := [session.progress() for session in self._sessions.values()]:
            await responses.progress(progress)
        if now >= self._mend_at:
            self._mend_at = now + MEND_SECONDS
            await responses.mend()
        retention = self.settings.retention
        if retention is not None and now >= self._forget_at and not await responses.forget(time.time() - retention):
            self._forget_at = now + FORGET_SECONDS  # else the next batch has its turn in a second


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """A failure is nobody's who waits, so it goes to the log."""
    try:
        await work
    except ForebayError as error:
        logger.warning("conversations: %s", error)


def _referred(item: Sent, known: Mapping[str, Item]) -> Sent:
    if not is_reference(item):
        return item
    found = known.get(item.id or "")
    if found is None:
        raise NotFoundError(f"There is no item '{(item.id or '')[:80]}' of yours.", param="input")
    return sent_again(found)
