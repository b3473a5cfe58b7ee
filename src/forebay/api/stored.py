"""``/v1/files`` and ``/v1/batches``: what a provider keeps, which has an id but no model.

Nothing that a client writes gets into a path or a query but what was looked at here.

Source: OpenAI's API reference, "Files" and "Batch".
"""

import re
import time
from urllib.parse import parse_qsl, urlencode

import msgspec

from forebay.api.exchange import call_of, form_of, head_of, send_reply
from forebay.api.http import Receive, Scope, Send, header, refuse_other_origins, require_json
from forebay.api.refusals import NOBODY, Refused, unmetered, unread
from forebay.core.access import Access
from forebay.core.decode import decode
from forebay.core.errors import ForebayError, InvalidRequestError, MethodNotAllowedError, NotFoundError
from forebay.core.ports import Authenticator, Handler
from forebay.core.types import Call, Operation, Request, Trace

PROVIDER = b"x-forebay-provider"

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
_QUERY = {
    "after": _ID,
    "limit": re.compile(r"[0-9]{1,5}"),
    "order": re.compile(r"asc|desc"),
    "purpose": re.compile(r"[0-9A-Za-z_-]{1,64}"),
}
_WAYS = {
    (Operation.FILES, "GET", ""),
    (Operation.FILES, "GET", "/content"),
    (Operation.FILES, "DELETE", ""),
    (Operation.BATCHES, "GET", ""),
    (Operation.BATCHES, "POST", "/cancel"),
}


class BatchBody(msgspec.Struct, frozen=True):
    """``POST /v1/batches``."""

    input_file_id: str
    endpoint: str


class Stored:
    """The files, or the batches, of the provider that the client means; ``ask`` is the pipeline.

    ``refused`` is told of calls of nobody that is known.
    """

    def __init__(
        self, operation: Operation, authenticator: Authenticator, ask: Handler, refused: Refused = unmetered
    ) -> None:
        self._refused = refused
        self._operation = operation
        self._prefix = prefix(operation)
        self._authenticator = authenticator
        self._ask = ask

    async def upload(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A file, in a form."""
        call = await self._call(scope, request_id)
        form = await form_of(header(scope, b"content-type"), (await receive())["body"])
        if [part.name for part in form.parts if part.filename is not None] != ["file"]:
            raise InvalidRequestError("The form must have one file, 'file'.", param="file")
        await self._answer(send, call, msgspec.structs.replace(call.request, form=form))

    async def create(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """A batch, in JSON."""
        call = await self._call(scope, request_id)
        require_json(header(scope, b"content-type"))
        body = (await receive())["body"]
        decode(body, BatchBody)
        await self._answer(send, call, msgspec.structs.replace(call.request, body=body))

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """All of them, a page at a time."""
        call = await self._call(scope, request_id)
        await self._answer(send, call, _at(call.request, _query(scope["query_string"])))

    async def one(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One of them: what is known of it, what is in it, or its end."""
        call = await self._call(scope, request_id)
        identifier, slash, rest = scope["path"].removeprefix(self._prefix).partition("/")
        action, method = slash + rest, scope["method"]
        if not _ID.fullmatch(identifier) or action not in {way[2] for way in _WAYS if way[0] is self._operation}:
            raise NotFoundError(f"No such path below {self._prefix}; an id is of letters, digits, '-' and '_'.")
        if (self._operation, method, action) not in _WAYS:
            raise MethodNotAllowedError(f"{self._prefix}…{action} does not take {method}.")
        await self._answer(send, call, _at(call.request, f"/{identifier}{action}"))

    async def _call(self, scope: Scope, request_id: str) -> Call:
        """Who asks, and which provider; what for is not looked at before that is known."""
        accepted = time.perf_counter()
        head = head_of(scope)
        principal = NOBODY
        try:
            principal = await self._authenticator.authenticate(head.authorization)
            refuse_other_origins(scope, head.authorization)
        except ForebayError as error:
            self._refused(unread(request_id, self._operation, principal, Trace(accepted)), error)
            raise
        access = Access(scope["method"], "", header(scope, PROVIDER) or "")
        request = Request(self._operation, "", b"", access=access)
        return call_of(request_id, request, principal, Trace(accepted), head)

    async def _answer(self, send: Send, call: Call, request: Request) -> None:
        call = msgspec.structs.replace(call, request=request)
        await send_reply(send, call, await self._ask(call))


def prefix(operation: Operation) -> str:
    """What the paths of single ones begin with."""
    return f"/v1/{operation.value}/"


def _at(request: Request, path: str) -> Request:
    """``request`` for what stands at ``path``, below that of all."""
    access = msgspec.structs.replace(request.access or Access(), path=path)
    return msgspec.structs.replace(request, access=access)


def _query(query: bytes) -> str:
    """The query of a list, written anew.

    Raises:
        InvalidRequestError: a parameter that no list has, or a value that it cannot have.
    """
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=len(_QUERY))
    except ValueError:
        raise InvalidRequestError("The query is malformed.") from None
    for name, value in pairs:
        if name not in _QUERY:
            known = ", ".join(_QUERY)
            raise InvalidRequestError(f"Unknown parameter: {name[:80]!a}; there are {known}.", param=name[:80])
        if not _QUERY[name].fullmatch(value):
            raise InvalidRequestError(f"Invalid value for '{name}'.", param=name)
    return f"?{urlencode(pairs)}" if pairs else ""
