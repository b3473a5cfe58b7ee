"""The issued keys in memory, so that no request waits for a database; another process's changes are seen in time."""

import asyncio
import contextlib
import hmac
import logging
import time
from typing import Final

import msgspec

from forebay.auth.keys import UNKNOWN
from forebay.core.errors import AuthenticationError, UnavailableError
from forebay.core.following import Following
from forebay.core.keys import IssuedKey, KeyBook
from forebay.core.types import Principal

logger = logging.getLogger("forebay.auth")

POLL_SECONDS: Final = 0.4
"""A change is seen after this and the time that two queries take: well within a second."""

LOOK_SECONDS: Final = 0.1
"""Unknown keys have the book looked into at most so often: made-up ones are no way to keep the database busy."""

LOOK_PATIENCE: Final = 0.5
"""So many seconds an unknown key waits for that look, should the database be slow."""


class _Held(msgspec.Struct, frozen=True):
    principal: Principal
    expires: float | None
    key: IssuedKey

    @property
    def has_ended(self) -> bool:
        return self.expires is not None and self.expires <= time.time()


class IssuedKeys:
    """Knows the principal behind each key that is good now. While the book is away, what was known last goes on."""

    def __init__(self, book: KeyBook, pepper: bytes) -> None:
        self._book = book
        self._pepper = pepper
        self._held: dict[bytes, _Held] = {}
        self._by_id: dict[str, _Held] = {}
        self._version: int | None = None
        self._following: Following | None = None
        # One at a time: what was read earlier must not be taken for newer.
        self._refreshing = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._look_at = 0.0

    def find(self, text: str) -> Principal:
        """Whose key ``text`` is.

        Raises:
            AuthenticationError: nobody's, or it has ended.
            UnavailableError: nobody knows yet.
        """
        return self._find(text).principal

    def key(self, text: str) -> IssuedKey:
        """What is known of the key ``text``.

        Raises:
            AuthenticationError: it is none, or has ended.
            UnavailableError: nobody knows yet.
        """
        return self._find(text).key

    async def find_anew(self, text: str) -> Principal:
        """As `find`, but a key that is not known may have been made just now, by another process: look for it first."""
        try:
            return self.find(text)
        except AuthenticationError:
            if not await self._look():
                raise
        return self.find(text)

    async def key_anew(self, text: str) -> IssuedKey:
        """As `key`, but look for one that is not known."""
        try:
            return self.key(text)
        except AuthenticationError:
            if not await self._look():
                raise
        return self.key(text)

    def by_id(self, identity: str) -> IssuedKey | None:
        """The key with that id, if it is good now."""
        held = self._by_id.get(identity)
        return None if held is None or held.has_ended else held.key

    def _find(self, text: str) -> _Held:
        held = self._held.get(hmac.digest(self._pepper, text.encode(), "sha256"))
        if held is None:
            if self._version is None:
                raise UnavailableError("Keys cannot be checked yet; try again soon.", headers={"retry-after": "1"})
            raise AuthenticationError(UNKNOWN)
        if held.has_ended:
            raise AuthenticationError("This API key has expired; ask who runs this server for another one.")
        return held

    async def _look(self) -> bool:
        """Look out of turn, all who want it together and not more often than `LOOK_SECONDS`; whether that was done."""
        if self._looking is None or self._looking.done():
            now = time.monotonic()
            if now < self._look_at:
                return False
            self._look_at = now + LOOK_SECONDS
            self._looking = asyncio.create_task(self._look_once(), name="look for a key")
        done, _ = await asyncio.wait({self._looking}, timeout=LOOK_PATIENCE)
        return bool(done)

    async def _look_once(self) -> None:
        with contextlib.suppress(UnavailableError):
            await self.refresh()

    async def refresh(self) -> None:
        """Know every key as it is now.

        Raises:
            UnavailableError: the book is away.
        """
        async with self._refreshing:
            version = await self._book.version()
            if version != self._version:
                found = await self._book.active()
                self._held = {bytes.fromhex(digest): _Held(key.principal(), key.expires, key) for digest, key in found}
                self._by_id = {held.key.id: held for held in self._held.values()}
                self._version = version

    async def start(self) -> None:
        """Know the keys, if the book is there, and see every change from now on."""
        self._following = Following(self.refresh, POLL_SECONDS, "changes of keys cannot be seen")
        await self._following.start()

    async def close(self) -> None:
        """See no more changes."""
        if self._looking is not None:
            await self._looking
        if self._following is not None:
            await self._following.close()
