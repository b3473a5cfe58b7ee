"""Captured bodies: the request as a client sent it, and the whole reply that it got."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from forebay.core.requestlog import RequestQuery


class Capture(msgspec.Struct, frozen=True, gc=False):
    """One request with its reply, both JSON; an empty ``reply`` is one that failed, broke, or was too large."""

    id: str
    at: float
    tenant: str
    principal: str
    operation: str
    model: str
    request: bytes
    reply: bytes = b""


class CaptureBook(Protocol):
    """Where captures are kept."""

    async def add(self, captures: Sequence[Capture], /) -> None:
        """Keep them.

        Raises:
            UnavailableError: they cannot be kept now.
        """
        ...

    async def find(self, request_id: str, /) -> Capture | None:
        """That of one request.

        Raises:
            UnavailableError: it cannot be read now.
        """
        ...

    async def latest(self, query: RequestQuery, limit: int, /) -> Sequence[Capture]:
        """The ``limit`` latest of ``query`` (whatever their status), newest first.

        Raises:
            UnavailableError: they cannot be read now.
        """
        ...

    async def forget(self, before: float, most: int, /) -> None:
        """Delete what is older than ``before``, and the oldest beyond ``most`` bytes.

        Raises:
            UnavailableError: nothing can be deleted now.
        """
        ...
