"""API keys that are issued while the server runs, who keeps them, and what is noted about whoever does so."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from forebay.core.scopes import ADMIN
from forebay.core.types import Limits, Principal


class IssuedKey(msgspec.Struct, frozen=True):
    """All that is known of a key but the key; ``shown`` is as much of it as people need to tell it from others.

    Moments are seconds since the epoch. ``scopes`` are `scopes.SCOPES`, ``None``: all but ``admin``; ``models`` are as
    in `Principal`. One that was rotated is ``replaced_by`` the key with that id.
    """

    id: str
    name: str
    tenant: str
    shown: str
    created: float
    expires: float | None = None
    revoked: float | None = None
    scopes: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    limits: Limits | None = None
    replaced_by: str | None = None

    def principal(self) -> Principal:
        """Who holds it."""
        return Principal(
            self.name,
            self.tenant,
            None if self.models is None else frozenset(self.models),
            self.scopes is not None and ADMIN in self.scopes,
            scopes=None if self.scopes is None else frozenset(self.scopes),
            limits=self.limits,
        )


class KeyBook(Protocol):
    """Where keys are kept, by the digests that they are known by.

    Every method raises `UnavailableError` where it cannot be asked now.
    """

    async def version(self) -> int:
        """Another number after every change."""
        ...

    async def active(self) -> Sequence[tuple[str, IssuedKey]]:
        """The keys that are not revoked, with their digests."""
        ...

    async def list(self, tenant: str | None, /) -> Sequence[IssuedKey]:
        """All keys, or those of a tenant, the newest first."""
        ...

    async def find(self, identity: str, /) -> IssuedKey | None:
        """The key with that id."""
        ...

    async def add(self, digest: str, key: IssuedKey, /) -> None:
        """Keep a new one."""
        ...

    async def replace(self, key: IssuedKey, /) -> None:
        """From now on the key of that id is this one; its digest stays."""
        ...


class AdminAction(msgspec.Struct, frozen=True):
    """What somebody who may has changed: ``at`` which moment, and of what; never with a secret in it."""

    id: str
    at: float
    principal: str
    tenant: str
    action: str
    target: str
    details: Mapping[str, object] = {}


class AdminLog(Protocol):
    """Where the actions of admins are kept. Every method raises `UnavailableError` where it cannot be asked now."""

    async def add(self, action: AdminAction, /) -> None:
        """Keep one."""
        ...

    async def list(self, before: float, limit: int, /) -> Sequence[AdminAction]:
        """The latest ``limit`` before a moment, the newest first."""
        ...
