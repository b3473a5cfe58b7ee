"""``/admin/cache``: what the cache holds, entry by entry or all at once, and how to be rid of it.

Entries are what people have asked and were answered, of all tenants: all of it takes a key that says ``admin: true``.
"""

import time
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.api.requests import READERS
from forebay.auth.trail import Trail
from forebay.core.decode import decode
from forebay.core.entries import CacheUnavailableError, Entry, Selection
from forebay.core.errors import (
    ForebayError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from forebay.core.ports import Authenticator
from forebay.core.types import Call, Operation, Principal, Trace
from forebay.gateway.cache.keeper import Keeper
from forebay.gateway.cache.warm import Warmer

PATH: Final = "/admin/cache"
PREFIX: Final = f"{PATH}/"

_KEY_BYTES: Final = 32
_LABELS: Final = ("tenant", "namespace", "model")
_TOLD: Final = 20
"""So many wrong lines are told; more say nothing new."""

_LINES: Final = (b"content-type", b"application/jsonl")


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line to warm with: a ``request`` and its ``response``, or an entry as an export tells it."""

    request: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()
    operation: str = Operation.CHAT.value
    tenant: str = "default"
    key: str = ""
    entry: Entry | None = None


class CacheEndpoints:
    """All of them; ``warmer`` stores what a client brings along, ``trail`` tells who changed what."""

    def __init__(self, authenticator: Authenticator, keeper: Keeper, warmer: Warmer, trail: Trail) -> None:
        self._authenticator = authenticator
        self._trail = trail
        self._keeper = keeper
        self._warmer = warmer

    async def stats(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """How full it is, and what has happened in this process."""
        await self._admitted(scope)
        try:
            stats = await self._keeper.stats()
        except CacheUnavailableError as error:
            raise _down(error) from None
        await send_json(
            send,
            request_id,
            {
                "object": "cache",
                "store": self._keeper.kind,
                "entries": stats.entries,
                "bytes": stats.bytes,
                "figures": dict(self._keeper.gauges()),
            },
        )

    async def clear(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Delete by ``tenant``, ``namespace`` and ``model``; everything only where ``all=true`` says so."""
        admin = await self._admitted(scope)
        wanted = _query(scope)
        labels = wanted.keys() & {*_LABELS}
        if (
            wanted.get("all", "true") != "true"
            or not wanted
            or (wanted.keys() - {*_LABELS, "all"})
            or (labels and "all" in wanted)
        ):
            raise InvalidRequestError(
                "Say what to delete: ?tenant=, ?namespace=, ?model=, several of them, or ?all=true.", param="tenant"
            )
        await self._trail.note(admin, "cache.clear", "cache", **wanted)
        selection = Selection(*(wanted.get(name) for name in _LABELS))
        try:
            deleted = await self._keeper.delete_where(selection)
        except CacheUnavailableError as error:
            raise _down(error) from None
        await send_json(send, request_id, {"object": "cache.deleted", "deleted": deleted})

    async def read(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One entry by its key, or all of them at ``/admin/cache/export``, one a line."""
        await self._admitted(scope)
        rest = scope["path"].removeprefix(PREFIX)
        try:
            if rest == "export":
                await self._export(send, request_id)
                return
            entry = await self._keeper.store.get(_key(rest))
        except CacheUnavailableError as error:
            raise _down(error) from None
        if entry is None:
            raise _no_entry()
        await send_json(send, request_id, {"object": "cache.entry", "key": rest, **_shown(entry)})

    async def delete(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Delete one entry by its key."""
        admin = await self._admitted(scope)
        key = _key(scope["path"].removeprefix(PREFIX))
        await self._trail.note(admin, "cache.delete", key.hex())
        try:
            deleted = await self._keeper.delete(key)
        except CacheUnavailableError as error:
            raise _down(error) from None
        if not deleted:
            raise _no_entry()
        await send_json(send, request_id, {"object": "cache.deleted", "deleted": 1})

    async def warm(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Store the lines of the body (see `Line`); those that cannot be are told, the others are stored."""
        admin = await self._admitted(scope)
        if scope["path"] != f"{PREFIX}warm":
            raise NotFoundError(f"POST goes to {PREFIX}warm.")
        lines = (await receive())["body"].split(b"\n")
        await self._trail.note(admin, "cache.warm", "cache", lines=len(lines))
        stored, failed = 0, []
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                await self._store(decode(text, Line), f"{request_id}-{number}")
                stored += 1
            except ForebayError as error:
                failed.append({"line": number, "error": error.message})
        body = {"object": "cache.warmed", "stored": stored, "failed": len(failed), "errors": failed[:_TOLD]}
        await send_json(send, request_id, body)

    async def _store(self, line: Line, call_id: str) -> None:
        if line.entry is not None:
            await self._warmer.entry(_key(line.key), line.entry)
            return
        operation = next((each for each in READERS if each.value == line.operation), None)
        if operation is None:
            raise InvalidRequestError(f"Unknown operation '{line.operation[:64]}'.", param="operation")
        request = READERS[operation](bytes(line.request))
        call = Call(call_id, request, Principal("admin", line.tenant), Trace(time.perf_counter()))
        await self._warmer.answer(call, bytes(line.response))

    async def _export(self, send: Send, request_id: str) -> None:
        head = [_LINES, (b"x-request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        async for key, entry in self._keeper.store.scan():
            line = msgspec.json.encode({"key": key.hex(), "entry": entry}) + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _admitted(self, scope: Scope) -> Principal:
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        if not principal.admin:
            raise PermissionDeniedError("This takes a key with 'admin: true' in auth.keys of the configuration.")
        return principal


def _shown(entry: Entry) -> dict[str, Any]:
    shown = msgspec.structs.asdict(entry)
    shown["body"] = msgspec.Raw(entry.body)
    shown["question"] = entry.question.text if entry.question else None
    return shown


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InvalidRequestError(f"A key is {2 * _KEY_BYTES} hexadecimal digits.", param="key")
    return key


def _query(scope: Scope) -> dict[str, str]:
    found = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return {name: values[-1] for name, values in found.items()}


def _no_entry() -> NotFoundError:
    return NotFoundError("There is no entry of that key, or it has expired.")


def _down(error: CacheUnavailableError) -> UnavailableError:
    return UnavailableError(f"The cache cannot be asked now: {error}")
