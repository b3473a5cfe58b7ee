"""``/v1/prompts``: prompts are listed, shown, compared; an admin adds versions and moves labels.

GET  /v1/prompts                       all that the caller may use
POST /v1/prompts                       a version
GET  /v1/prompts/ID                    one, with its versions and labels
GET  /v1/prompts/ID/versions/N         a version in full
GET  /v1/prompts/ID/diff?from=N&to=M   what changed
PUT, DELETE /v1/prompts/ID/labels/L    let a label stand for versions, or for none
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec

from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, NotFoundError, PermissionDeniedError, UnavailableError
from forebay.core.ports import Authenticator
from forebay.core.prompts import Draft, Label, Name, Prompt, Weight
from forebay.core.types import Principal
from forebay.gateway.prompts.comparing import difference
from forebay.gateway.prompts.editing import Editor
from forebay.gateway.prompts.shelf import Shelf

PATH: Final = "/v1/prompts"
PREFIX: Final = "/v1/prompts/"
PARAMETERS: Final = 10


class LabelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a label is to stand for: one ``version``, or several ``versions``, each with its weight."""

    version: Annotated[int, msgspec.Meta(ge=1)] | None = None
    versions: Annotated[dict[int, Weight], msgspec.Meta(min_length=1, max_length=20)] | None = None


class Prompts:
    """The prompts as a caller may see them; without an ``editor`` nobody changes any."""

    def __init__(self, authenticator: Authenticator, shelf: Callable[[], Shelf], editor: Editor | None) -> None:
        self._authenticator = authenticator
        self._shelf = shelf
        self._editor = editor

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """All, by id."""
        tenant = (await self._caller(scope)).tenant
        data = [self._shown(tenant, identity) for identity in self._shelf().ids(tenant)]
        await send_json(send, request_id, {"object": "list", "data": data})

    async def create(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A version."""
        admin, editor = await self._admin(scope)
        require_json(header(scope, b"content-type"))
        prompt = await editor.add(decode((await receive())["body"], Draft), admin)
        await send_json(send, request_id, shown(prompt), 201)

    async def show(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One prompt, one of its versions, or what changed between two."""
        tenant = (await self._caller(scope)).tenant
        await send_json(send, request_id, self._found(tenant, _steps(scope), scope["query_string"]))

    async def put(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A label."""
        require_json(header(scope, b"content-type"))
        asked = decode((await receive())["body"], LabelRequest)
        if (asked.version is None) == (asked.versions is None):
            raise InvalidRequestError("Send 'version', or 'versions' with weights.", param="version")
        label = await self._label(scope, asked.versions or {asked.version or 0: 1.0})
        await send_json(send, request_id, {"object": "prompt.label", **msgspec.structs.asdict(label)})

    async def delete(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """A label less."""
        label = await self._label(scope, {})
        await send_json(send, request_id, {"object": "prompt.label", "name": label.name, "deleted": True})

    async def _label(self, scope: Scope, shares: dict[int, float]) -> Label:
        admin, editor = await self._admin(scope)
        match _steps(scope):
            case [identity, "labels", name]:
                return await editor.label(identity, _named(name), shares, admin)
        raise NotFoundError(f"There is no such path; a label is at {PREFIX}ID/labels/LABEL.")

    def _found(self, tenant: str, steps: Sequence[str], query: bytes) -> object:
        match steps:
            case [identity]:
                return self._shown(tenant, identity)
            case [identity, "versions"]:
                versions = self._shelf().versions(tenant, identity)
                return {"object": "list", "data": [shown(each) for each in versions]}
            case [identity, "versions", number] if number.isascii() and number.isdigit():
                return shown(self._shelf().version(tenant, identity, int(number[:18])))
            case [identity, "diff"]:
                return self._difference(tenant, identity, query)
        raise NotFoundError(f"There is no such path; a version is at {PREFIX}ID/versions/NUMBER.")

    def _shown(self, tenant: str, identity: str) -> dict[str, object]:
        shelf = self._shelf()
        versions = shelf.versions(tenant, identity)
        labels = {name: {str(k): v for k, v in each.items()} for name, each in shelf.labels(tenant, identity).items()}
        numbers = [each.version for each in versions]
        return {
            "object": "prompt",
            "id": identity,
            "versions": numbers,
            "labels": labels,
            "latest": shown(versions[-1]),
        }

    def _difference(self, tenant: str, identity: str, query: bytes) -> dict[str, object]:
        try:
            given = dict(parse_qsl(query.decode(), max_num_fields=PARAMETERS, errors="strict"))
        except ValueError:
            raise InvalidRequestError("The query cannot be read; it takes 'from' and 'to'.") from None
        shelf = self._shelf()
        versions = shelf.versions(tenant, identity)
        before = given.get("from", str(versions[max(0, len(versions) - 2)].version))
        after = given.get("to", str(versions[-1].version))
        pair = [shelf.choose(tenant, identity, wanted, "") for wanted in (before, after)]
        return {"object": "prompt.diff", "from": pair[0].name, "to": pair[1].name, "diff": difference(*pair)}

    async def _caller(self, scope: Scope) -> Principal:
        return await self._authenticator.authenticate(header(scope, b"authorization"))

    async def _admin(self, scope: Scope) -> tuple[Principal, Editor]:
        principal = await self._caller(scope)
        if not principal.admin:
            raise PermissionDeniedError("This takes an admin's key: one with the scope 'admin', or 'admin: true'.")
        if self._editor is None:
            raise UnavailableError(
                "Prompts are only in files here; with a 'store' in the configuration they can be added."
            )
        return principal, self._editor


def shown(prompt: Prompt) -> dict[str, Any]:
    """``prompt`` as clients see it."""
    fields: dict[str, Any] = msgspec.to_builtins(prompt.draft)
    told = {"version": prompt.version, "created": prompt.created or None, "author": prompt.author or None}
    return {"object": "prompt.version", **fields, **told}


def _steps(scope: Scope) -> list[str]:
    path: str = scope["path"]
    return path.removeprefix(PREFIX).split("/")


def _named(name: str) -> str:
    try:
        return msgspec.convert(name, Name)
    except msgspec.ValidationError:
        raise InvalidRequestError(
            "A label has letters, digits, '.', '_' and '-', at most 128 of them.", param="label"
        ) from None
