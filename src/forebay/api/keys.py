"""``/admin/keys``: keys are made, listed, rotated and revoked."""

import time
from typing import Annotated, Any, Final

import msgspec

from forebay.api.http import JSON, Receive, Scope, Send, header, require_json, send_body
from forebay.auth.issuing import Issuer, Wish
from forebay.core.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from forebay.core.keys import IssuedKey
from forebay.core.ports import Authenticator
from forebay.core.scopes import SCOPES
from forebay.core.types import Limits, Principal

PATH: Final = "/admin/keys"
PREFIX: Final = "/admin/keys/"
ROTATE: Final = "/rotate"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=100 * 366 * 86400)]


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new key is to be; ``expires_in`` is in seconds."""

    name: Name
    tenant: Name = "default"
    expires_in: Seconds | None = None
    scopes: tuple[Name, ...] | None = None
    models: tuple[Name, ...] | None = None
    rpm: Count | None = None
    tpm: Count | None = None
    parallel: Count | None = None

    def wish(self) -> Wish:
        """The same as what an `Issuer` takes.

        Raises:
            InvalidRequestError: a scope is unknown.
        """
        for scope in self.scopes or ():
            if scope not in SCOPES:
                raise InvalidRequestError(f"Unknown scope; known are: {', '.join(SCOPES)}.", param="scopes")
        limits = Limits(self.rpm, self.tpm, self.parallel)
        expires = None if self.expires_in is None else time.time() + self.expires_in
        given = None if limits == Limits() else limits
        return Wish(self.name, self.tenant, expires, self.scopes, self.models, given)


class RotateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many seconds the old key goes on."""

    grace: Annotated[float, msgspec.Meta(ge=0, le=30 * 86400)] = 0.0


class KeyEndpoints:
    """For admins only; a key in plain text is in the answer that made it, and nowhere else."""

    def __init__(self, issuer: Issuer, authenticator: Authenticator) -> None:
        self._issuer = issuer
        self._authenticator = authenticator

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """All keys, the newest first, the ended ones as well."""
        await self._admin(scope)
        keys = [shown(key) for key in await self._issuer.list(None)]
        await _answer(send, 200, request_id, {"object": "list", "data": keys})

    async def create(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A new key."""
        admin = await self._admin(scope)
        require_json(header(scope, b"content-type"))
        asked = _read((await receive())["body"], KeyRequest)
        text, key = await self._issuer.create(asked.wish(), admin)
        await _answer(send, 201, request_id, {**shown(key), "key": text})

    async def show(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One key."""
        await self._admin(scope)
        await _answer(send, 200, request_id, shown(await self._issuer.find(_identity(scope))))

    async def rotate(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Another key in the place of one."""
        admin = await self._admin(scope)
        identity = _identity(scope)
        if not identity.endswith(ROTATE):
            raise NotFoundError(f"There is no such path; a key is rotated at {PREFIX}ID{ROTATE}.")
        body = (await receive())["body"]
        asked = _read(body, RotateRequest) if body else RotateRequest()
        text, key = await self._issuer.rotate(identity.removesuffix(ROTATE), asked.grace, admin)
        await _answer(send, 201, request_id, {**shown(key), "key": text})

    async def revoke(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """End a key."""
        admin = await self._admin(scope)
        await _answer(send, 200, request_id, shown(await self._issuer.revoke(_identity(scope), admin)))

    async def _admin(self, scope: Scope) -> Principal:
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        if not principal.admin:
            raise PermissionDeniedError("This takes an admin's key: one with the scope 'admin', or 'admin: true'.")
        return principal


def shown(key: IssuedKey) -> dict[str, object]:
    """``key`` as people see it."""
    fields = msgspec.structs.asdict(key)
    limits = fields.pop("limits") or Limits()
    return {
        "object": "key",
        **fields,
        "rpm": limits.rpm,
        "tpm": limits.tpm,
        "parallel": limits.parallel,
    }


def _identity(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(PREFIX)


def _read(body: bytes, shape: type[Any]) -> Any:  # noqa: ANN401  # of that type
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"The body cannot be read: {error}.") from None


async def _answer(send: Send, status: int, request_id: str, body: object) -> None:
    headers = [JSON, (b"cache-control", b"no-store"), (b"x-request-id", request_id.encode())]
    await send_body(send, status, headers, msgspec.json.encode(body))
