"""Makes, changes and ends keys; every change is noted with who made it."""

import hmac
import secrets
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from forebay.core.errors import ConflictError, NotFoundError
from forebay.core.keys import AdminAction, AdminLog, IssuedKey, KeyBook
from forebay.core.types import Limits, Principal

PREFIX: Final = "fb-"
KEY_BYTES: Final = 32
SHOWN_HEAD, SHOWN_TAIL = 7, 4


class Wish(msgspec.Struct, frozen=True):
    """What a new key is to be; see `IssuedKey`."""

    name: str
    tenant: str = "default"
    expires: float | None = None
    scopes: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    limits: Limits | None = None


class Issuer:
    """Issues keys. What is kept of one is its HMAC-SHA256 under ``pepper``, so the database alone is of no use."""

    def __init__(self, book: KeyBook, log: AdminLog, pepper: bytes) -> None:
        self._book = book
        self._log = log
        self._pepper = pepper

    async def create(self, wish: Wish, by: Principal) -> tuple[str, IssuedKey]:
        """A new key in plain text, which is told only now, and what is kept of it.

        Raises:
            UnavailableError: it cannot be kept now.
        """
        text, key = _new(wish)
        await self._book.add(digest(self._pepper, text), key)
        await self._note(by, "key.create", key)
        return text, key

    async def list(self, tenant: str | None) -> Sequence[IssuedKey]:
        """All keys, or those of a tenant, the newest first; the revoked ones, too.

        Raises:
            UnavailableError: they cannot be read now.
        """
        return await self._book.list(tenant)

    async def find(self, identity: str) -> IssuedKey:
        """The key with that id.

        Raises:
            NotFoundError: there is none.
            UnavailableError: it cannot be read now.
        """
        found = await self._book.find(identity)
        if found is None:
            raise NotFoundError("There is no key with this id; see the list of keys.")
        return found

    async def rotate(self, identity: str, grace: float, by: Principal) -> tuple[str, IssuedKey]:
        """Another key in the place of that with the id, which goes on for ``grace`` seconds.

        Raises:
            NotFoundError: there is none.
            ConflictError: it has ended or was rotated already.
            UnavailableError: it cannot be changed now.
        """
        old, now = await self.find(identity), time.time()
        if old.revoked is not None or (old.expires is not None and old.expires <= now):
            raise ConflictError("This key has ended; create a new one.")
        if old.replaced_by is not None:  # its end is that of its grace, and another key has its own
            raise ConflictError(f"This key was rotated already; rotate {old.replaced_by}, which is in its place.")
        wish = Wish(old.name, old.tenant, old.expires, old.scopes, old.models, old.limits)
        text, key = _new(wish)
        await self._book.add(digest(self._pepper, text), key)
        if grace > 0:
            until = min(now + grace, old.expires if old.expires is not None else now + grace)
            await self._book.replace(msgspec.structs.replace(old, expires=until, replaced_by=key.id))
        else:
            await self._book.replace(msgspec.structs.replace(old, revoked=now, replaced_by=key.id))
        await self._note(by, "key.rotate", key, replaces=old.id)
        return text, key

    async def revoke(self, identity: str, by: Principal) -> IssuedKey:
        """End the key with that id, on every process within a second; one that has ended stays as it is.

        Raises:
            NotFoundError: there is none.
            UnavailableError: it cannot be changed now.
        """
        key = await self.find(identity)
        if key.revoked is None:
            key = msgspec.structs.replace(key, revoked=time.time())
            await self._book.replace(key)
            await self._note(by, "key.revoke", key)
        return key

    async def _note(self, by: Principal, action: str, key: IssuedKey, **more: object) -> None:
        details = {"name": key.name, "tenant": key.tenant, "shown": key.shown, **more}
        noted = AdminAction(secrets.token_hex(12), time.time(), by.name, by.tenant, action, key.id, details)
        await self._log.add(noted)


def digest(pepper: bytes, text: str) -> str:
    """What is kept of the key ``text``."""
    return hmac.digest(pepper, text.encode(), "sha256").hex()


def _new(wish: Wish) -> tuple[str, IssuedKey]:
    text = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    shown = f"{text[:SHOWN_HEAD]}…{text[-SHOWN_TAIL:]}"
    key = IssuedKey(
        f"key_{secrets.token_hex(8)}",
        wish.name,
        wish.tenant,
        shown,
        time.time(),
        wish.expires,
        None,
        wish.scopes,
        wish.models,
        wish.limits,
    )
    return text, key
