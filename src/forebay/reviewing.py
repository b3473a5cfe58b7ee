"""Finds the answers that people are to review: in the ledger and the feedback, whenever somebody asks for the queue.

Nothing waits for it in the path of a request, and nobody pays for it who does not review.
"""

import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from forebay.core.conversations import Owner
from forebay.core.feedback import Feedback, FeedbackQuery
from forebay.core.ledger import UsageQuery
from forebay.core.reviews import Mark, Reason, Review, ReviewQuery, Texts, Verdict
from forebay.core.store import Store
from forebay.core.types import Record
from forebay.settings import ReviewSettings
from forebay.transcripts import REQUEST, RESPONSE, texts

PAGE: Final = 500
MOST_PAGES: Final = 40
"""So many pages of the ledger one look searches; the next one goes on."""

LATE: Final = 60.0
"""Rows come so many seconds late at most, as long as the database is there; they are searched again for so long."""

_NO_VERDICT: Final = "pass"


class Reviews:
    """A `Queue`; ``settings`` say what is put into it."""

    def __init__(self, store: Store, settings: ReviewSettings) -> None:
        self._store = store
        self._settings = settings

    async def list(self, query: ReviewQuery, limit: int) -> Sequence[Review]:
        """The first ``limit``, the latest first, with all that has happened until now."""
        if query.before is None:
            await self.search()
        return await self._store.reviews.list(query, limit)

    async def find(self, identity: str) -> Review | None:
        """One of them."""
        return await self._store.reviews.find(identity)

    async def label(self, identity: str, verdict: Verdict) -> None:
        """What somebody made of it."""
        await self._store.reviews.label(identity, verdict)

    async def texts(self, review: Review) -> Texts | None:
        """What was asked and answered; ``None`` where nobody kept it."""
        return await texts(self._store, Owner(review.tenant, review.principal), review.id)

    async def search(self) -> None:
        """Put what has come since the last time into the queue.

        Raises:
            UnavailableError: the store cannot be asked now.
        """
        mark = await self._store.reviews.mark()
        mark = await self._ledger(mark)
        if "thumbs_down" in self._settings.flags:
            await self._feedback(mark)

    async def _ledger(self, mark: Mark) -> Mark:
        query = UsageQuery(since=mark.rows - LATE)
        for _ in range(MOST_PAGES):
            rows = await self._store.usage.rows(query, PAGE)
            if not rows:
                break
            mark = msgspec.structs.replace(mark, rows=max(mark.rows, rows[-1].at))
            found = [_review(row, why) for row in rows if (why := tuple(self._reasons(row)))]
            await self._store.reviews.add(found, mark)
            query = msgspec.structs.replace(query, after=(rows[-1].at, rows[-1].id))
        return mark

    async def _feedback(self, mark: Mark) -> None:
        now, query = time.time(), FeedbackQuery(rating="down")
        found: list[Review] = []
        while page := await self._store.feedback.list(query, PAGE):
            recent = [each for each in page if each.created >= mark.feedback - LATE]
            found += [each for said in recent if (each := await self._disliked(said)) is not None]
            if len(recent) < len(page):
                break
            query = msgspec.structs.replace(query, after=page[-1].id)
        await self._store.reviews.add(found, msgspec.structs.replace(mark, feedback=now))

    async def _disliked(self, said: Feedback) -> Review | None:
        """The answer that was disliked, if it was an answer to their tenant."""
        rows = await self._store.requests.find(await self._request(said))
        row = next((each for each in reversed(rows) if each.tenant == said.tenant), None)
        return None if row is None else _review(row, ("thumbs_down",))

    async def _request(self, said: Feedback) -> str:
        if said.kind != "item":
            return said.target.replace(RESPONSE, REQUEST, 1)
        items = await self._store.conversations.items(Owner(said.tenant, said.principal), [said.target])
        facts = items[said.target].facts if said.target in items else None
        return facts.request if facts else ""

    def _reasons(self, row: Record) -> Iterator[Reason]:
        flags = self._settings.flags
        if "guard" in flags and row.story is not None and any(each.action != _NO_VERDICT for each in row.story.heard):
            yield "guard"
        if "sample" in flags and row.outcome == "ok" and drawn(row.id, self._settings.sample):
            yield "sample"


def drawn(identity: str, share: float) -> bool:
    """Whether a request is among the ``share`` of all that is drawn: always the same, whoever asks."""
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest()) < share * 2**64


def _review(row: Record, reasons: tuple[Reason, ...]) -> Review:
    model = row.model or (row.story.model if row.story else "")
    return Review(row.id, row.at, row.tenant, row.principal, model, row.prompt, reasons)
