"""``/admin/keys``: keys are made, listed, rotated and revoked."""

import time
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.auth.issuing import Issuer, Wish
from forebay.core.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from forebay.core.keys import IssuedKey
from forebay.core.ledger import LATEST, UsageBook
from forebay.core.money import MOST_DOLLARS, dollars, pico
from forebay.core.ports import Authenticator
from forebay.core.scopes import ADMIN, SCOPES
from forebay.core.types import Limits, Principal
from forebay.gateway.limiting.past import spent_in
from forebay.gateway.limiting.periods import period

PATH: Final = "/admin/keys"
PREFIX: Final = "/admin/keys/"
ROTATE: Final = "/rotate"
MOST_DIGITS: Final = 20
NOT_ADMIN: Final = {"www-authenticate": f'Bearer error="insufficient_scope", scope="{ADMIN}"'}

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=100 * 366 * 86400)]


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new key is to be; ``expires_in`` is in seconds, budgets are in dollars."""

    name: Name
    tenant: Name = "default"
    expires_in: Seconds | None = None
    scopes: tuple[Name, ...] | None = None
    models: tuple[Name, ...] | None = None
    rpm: Count | None = None
    tpm: Count | None = None
    parallel: Count | None = None
    budget_day: Decimal | None = None
    budget_month: Decimal | None = None

    def wish(self) -> Wish:
        """The same as what an `Issuer` takes.

        Raises:
            InvalidRequestError: a scope is unknown, or a budget is no amount of dollars.
        """
        for scope in self.scopes or ():
            if scope not in SCOPES:
                raise InvalidRequestError(f"Unknown scope; known are: {', '.join(SCOPES)}.", param="scopes")
        day, month = _budget(self.budget_day, "budget_day"), _budget(self.budget_month, "budget_month")
        limits = Limits(self.rpm, self.tpm, self.parallel, day, month)
        expires = None if self.expires_in is None else time.time() + self.expires_in
        given = None if limits == Limits() else limits
        return Wish(self.name, self.tenant, expires, self.scopes, self.models, given)


class RotateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many seconds the old key goes on."""

    grace: Annotated[float, msgspec.Meta(ge=0, le=30 * 86400)] = 0.0


class KeyEndpoints:
    """For admins only; a key in plain text is in the answer that made it, and nowhere else."""

    def __init__(self, issuer: Issuer, book: UsageBook, authenticator: Authenticator) -> None:
        self._issuer = issuer
        self._book = book
        self._authenticator = authenticator

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """All keys, the newest first, the ended ones as well."""
        await self._admin(scope)
        keys = [shown(key) for key in await self._issuer.list(None)]
        await send_json(send, request_id, {"object": "list", "data": keys})

    async def create(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A new key."""
        admin = await self._admin(scope)
        require_json(header(scope, b"content-type"))
        asked = _read((await receive())["body"], KeyRequest)
        text, key = await self._issuer.create(asked.wish(), admin)
        await send_json(send, request_id, {**shown(key), "key": text}, 201)

    async def show(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One key, and what was spent with it."""
        await self._admin(scope)
        key = await self._issuer.find(_identity(scope))
        await send_json(send, request_id, {**shown(key), **await spent(self._book, key)})

    async def rotate(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Another key in the place of one."""
        admin = await self._admin(scope)
        identity = _identity(scope)
        if not identity.endswith(ROTATE):
            raise NotFoundError(f"There is no such path; a key is rotated at {PREFIX}ID{ROTATE}.")
        body = (await receive())["body"]
        asked = _read(body, RotateRequest) if body else RotateRequest()
        text, key = await self._issuer.rotate(identity.removesuffix(ROTATE), asked.grace, admin)
        await send_json(send, request_id, {**shown(key), "key": text}, 201)

    async def revoke(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """End a key."""
        admin = await self._admin(scope)
        await send_json(send, request_id, shown(await self._issuer.revoke(_identity(scope), admin)))

    async def _admin(self, scope: Scope) -> Principal:
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        if not principal.admin:
            raise PermissionDeniedError(
                "This takes an admin's key: one with the scope 'admin', or 'admin: true'.", headers=NOT_ADMIN
            )
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
        "budget_day": _number(limits.budget_day),
        "budget_month": _number(limits.budget_month),
    }


async def spent(book: UsageBook, key: IssuedKey) -> dict[str, object]:
    """The dollars that the ledger has for ``key``, and others of its name and tenant, today and this month.

    Raises:
        UnavailableError: it cannot be read now.
    """
    now = time.time()
    quantities: tuple[tuple[str, Literal["budget_day", "budget_month"]], ...] = (
        ("spent_day", "budget_day"),
        ("spent_month", "budget_month"),
    )
    return {
        name: _number(await spent_in(book, (key.tenant, key.name), period(quantity, now), LATEST))
        for name, quantity in quantities
    }


def _budget(amount: Decimal | None, name: str) -> int | None:
    if amount is None:
        return None
    found = pico(f"{amount:f}") if amount.is_finite() and abs(amount.adjusted()) <= MOST_DIGITS else None
    if found is None:
        raise InvalidRequestError(
            f"'{name}' is in dollars: a number from 0 to {MOST_DOLLARS} with at most twelve decimal places.", param=name
        )
    return found


def _number(amount: int | None) -> msgspec.Raw | None:
    """Dollars as a number of JSON's, exactly."""
    return None if amount is None else msgspec.Raw(dollars(amount).encode())


def _identity(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(PREFIX)


def _read(body: bytes, shape: type[Any]) -> Any:  # noqa: ANN401  # of that type
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"The body cannot be read: {error}.") from None
