"""Begins, finds and ends sessions. A browser has the id of one, the store only its hash."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Collection
from typing import Final

import msgspec

from forebay.core.sessions import Session, SessionBook

ID_BYTES: Final = 32
LONGEST_ID: Final = 128
TOUCH_SHARE: Final = 20
"""A use is noted when this part of the idle time has passed since the last one was: most requests write nothing."""


class Sessions:
    """The sessions of those who logged in by one of ``origins`` as it is configured now.

    They end ``idle`` seconds after their last use.
    """

    def __init__(self, book: SessionBook, origins: Collection[str], idle: float) -> None:
        self._book = book
        self._origins = frozenset(origins)
        self._idle = idle

    async def begin(self, session: Session, before: str | None) -> str:
        """The id of a new session; the one that the browser had ``before``, if any, ends.

        Raises:
            UnavailableError: it cannot be kept now.
        """
        if before is not None:
            await self._book.remove(_digest(before))
        identity = secrets.token_urlsafe(ID_BYTES)
        await self._book.add(_digest(identity), session)
        return identity

    async def find(self, identity: str) -> Session | None:
        """The session with that id, if it goes on.

        Raises:
            UnavailableError: it cannot be read now.
        """
        if len(identity) > LONGEST_ID:
            return None
        digest, now = _digest(identity), time.time()
        session = await self._book.find(digest)
        if session is None or session.origin not in self._origins:
            return None
        if min(session.ends, session.seen + self._idle) <= now:
            return None
        if now - session.seen > self._idle / TOUCH_SHARE:
            await self._book.touch(digest, now)
            session = msgspec.structs.replace(session, seen=now)
        return session

    async def end(self, identity: str) -> None:
        """End the session with that id.

        Raises:
            UnavailableError: it cannot be ended now.
        """
        await self._book.remove(_digest(identity))


def csrf_token(identity: str) -> str:
    """What a page of ours, and no other, knows of the session with that id; it does not tell the id."""
    return hmac.new(identity.encode(), b"csrf", "sha256").hexdigest()


def is_csrf_token(text: str, identity: str) -> bool:
    """Whether ``text`` is the `csrf_token` of that session."""
    return hmac.compare_digest(text.encode(), csrf_token(identity).encode())


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()
