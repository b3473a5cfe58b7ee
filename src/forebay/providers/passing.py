"""Passes on what Forebay has no words for: forms out; sounds, images, files and events of any kind back, as they come.

Of a reply only so much is looked at as tells whether it is one: an error in disguise, a page of HTML, an answer without
its one field. Usage is taken from it where it has one.
"""

import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Final, Self
from urllib.parse import quote

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import ForebayError, InvalidRequestError, UpstreamError
from forebay.core.stream import Framer, Primed, payloads
from forebay.core.types import Call, Event, Operation, Reply, Request, Stream, Whole
from forebay.core.usage import Tokens
from forebay.providers.failures import Told, broken, disguised, no_object, not_found, refusal
from forebay.providers.transport import Response, TransportError

REPLY_BYTES: Final = 256 * 1024 * 1024
EVENTS: Final = "text/event-stream"
ANYTHING: Final = (b"accept", b"*/*")

_Fields = dict[str, msgspec.Raw]
_fields = msgspec.json.Decoder(_Fields)
_NOTHING: Final = frozenset({b"null", b'""', b"false", b"{}", b"[]"})
_ANSWER: Mapping[Operation, str] = {
    Operation.RERANK: "results",
    Operation.MODERATION: "results",
    Operation.TRANSCRIPTION: "text",
    Operation.TRANSLATION: "text",
    Operation.IMAGE: "data",
    Operation.IMAGE_EDIT: "data",
    Operation.IMAGE_VARIATION: "data",
}
"""The field without which a reply in JSON is none."""


class Outgoing(msgspec.Struct, frozen=True):
    """A request as it is sent; ``headers`` replace those of every request."""

    method: bytes
    path: bytes
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]


_tokens = msgspec.json.Decoder(Tokens)


def outgoing(request: Request, model: str, template: str) -> Outgoing:
    """``request`` for the upstream, where the model is called ``model``; ``template`` is a vendor's ``path``.

    Raises:
        InvalidRequestError: its body is not a JSON object.
    """
    access = request.access
    if access is not None:
        return _accessing(request, f"/{request.operation.value}{access.path}".encode(), access.method.encode())
    path = template.format(operation=request.operation.value, model=quote(model, safe="")).encode()
    if request.form is not None:
        return _form(request, b"POST", path, {"model": model})
    return _json(request, b"POST", path, {"model": msgspec.Raw(msgspec.json.encode(model))})


def _accessing(request: Request, path: bytes, method: bytes) -> Outgoing:
    if request.form is not None:
        return _form(request, method, path, {})
    if request.body:
        return _json(request, method, path, {})
    return Outgoing(method, path, b"", (ANYTHING, (b"content-type", b"")))


def _form(request: Request, method: bytes, path: bytes, values: Mapping[str, str]) -> Outgoing:
    """A boundary that nobody can know keeps every part where it is, whatever stands in it."""
    assert request.form is not None  # noqa: S101  # asked before
    boundary = secrets.token_hex(24).encode()
    kind = (b"content-type", b"multipart/form-data; boundary=" + boundary)
    return Outgoing(method, path, request.form.written(boundary, values), (ANYTHING, kind))


def _json(request: Request, method: bytes, path: bytes, values: Mapping[str, msgspec.Raw]) -> Outgoing:
    """The body is written anew: of a name that stands there twice, the upstream might take the other one."""
    try:
        fields = _fields.decode(request.body)
    except MALFORMED:
        raise InvalidRequestError("The body is not a JSON object.") from None
    return Outgoing(method, path, msgspec.json.encode({**fields, **values}), (ANYTHING,))


async def refused(response: Response, request: Request, provider: str, hidden: Iterable[str]) -> ForebayError:
    """The error behind a reply whose status is no success."""
    return await refusal(response, provider, hidden, no_object if request.access is not None else not_found)


class Passing:
    """The reply to one call on its way from ``provider`` to a client; ``hidden`` is kept out of errors."""

    def __init__(self, call: Call, response: Response, provider: str, hidden: Iterable[str]) -> None:
        self._request = call.request
        self._trace = call.trace
        self._response = response
        self._provider = provider
        self._hidden = hidden

    async def reply(self, headers: tuple[tuple[str, str], ...]) -> Reply:
        """The reply, by its own type: JSON whole, events one by one, everything else in pieces.

        Raises:
            ForebayError: it is none.
            TransportError: it did not come.
        """
        access = self._request.access
        told = (self._response.header(b"content-type") or b"application/octet-stream").decode("latin-1")
        kind = told.partition(";")[0].strip().lower()
        if access is not None and access.path.endswith("/content"):
            return await self._pieces(headers, told)
        if kind == EVENTS:
            return Stream(await Primed.of(self._events()), headers)
        if kind == "application/json" or kind.endswith("+json"):
            return await self._whole(headers)
        if kind == "text/html" or access is not None:
            self._response.close()
            raise UpstreamError(f"The provider '{self._provider}' answered with something that is no answer.")
        return await self._pieces(headers, told)

    async def _whole(self, headers: tuple[tuple[str, str], ...]) -> Whole:
        body = await self._response.read(REPLY_BYTES)
        try:
            fields = _fields.decode(body)
        except MALFORMED:
            raise UpstreamError(f"The provider '{self._provider}' answered with something that is no JSON.") from None
        self._check(fields, body)
        operation = self._request.operation
        if operation is Operation.SPEECH or _ANSWER.get(operation, "") not in {"", *fields}:
            raise UpstreamError(f"The provider '{self._provider}' gave an empty answer.")
        self._note(fields)
        return Whole(body, self._trace.usage, headers)

    async def _pieces(self, headers: tuple[tuple[str, str], ...], kind: str) -> Reply:
        first = await self._response.chunk()
        if first:
            return Stream(Pieces(first, self._response, self._provider), headers, kind)
        if self._request.operation is Operation.SPEECH:
            raise UpstreamError(f"The provider '{self._provider}' gave an empty answer.")
        return Whole(b"", None, headers, kind)

    async def _events(self) -> AsyncGenerator[Event, None]:
        response, framer = self._response, Framer()
        try:
            while data := await response.chunk():
                if whole := self._looked_into(framer.feed(data)):
                    yield Event(whole)
            if framer.held and (whole := self._looked_into(framer.feed(b"\n\n"))):
                yield Event(whole)
        except TransportError as error:
            raise broken(error, self._provider) from error
        finally:
            response.close()

    def _looked_into(self, whole: bytes) -> bytes:
        for data in payloads(whole):
            try:
                fields = _fields.decode(data)
            except MALFORMED:  # such as [DONE]
                continue
            self._check(fields, data)
            self._note(fields)
        return whole

    def _check(self, fields: _Fields, body: bytes) -> None:
        error = fields.get("error")
        if error is not None and bytes(error).strip() not in _NOTHING:
            raise disguised(Told.of(body, self._hidden), self._provider)

    def _note(self, fields: _Fields) -> None:
        """Remember the usage; one of a shape that nobody knows says nothing, a batch's is not this call's."""
        if self._request.access is not None:
            return
        try:
            found = _tokens.decode(fields.get("usage", b"{}")).usage()
        except MALFORMED:
            return
        if found is not None:
            self._trace.usage = found


class Pieces:
    """A body of any type as it comes, never more of it than the transport's buffer holds."""

    __slots__ = ("_first", "_provider", "_response")

    def __init__(self, first: bytes, response: Response, provider: str) -> None:
        self._first = first
        self._response = response
        self._provider = provider

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next piece.

        Raises:
            StopAsyncIteration: it is whole.
            ForebayError: it broke off.
        """
        data, self._first = self._first, b""
        try:
            data = data or await self._response.chunk()
        except TransportError as error:
            raise broken(error, self._provider) from error
        if not data:
            raise StopAsyncIteration
        return Event(data)

    async def aclose(self) -> None:
        """Close the response; one that was not read to its end closes its connection."""
        self._response.close()
