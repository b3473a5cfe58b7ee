"""The endpoints for clients that speak another dialect than OpenAI's chat: the same pipeline, translated both ways.

body ─► Exchange (a chat request) ─► pipeline ─► Whole  ─► Exchange.whole  ─► reply in the client's dialect
                                              └► Stream ─► Exchange.stream ─► its events, one by one
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from forebay.api.exchange import call_of, head_of, reply_headers, send_stream
from forebay.api.http import JSON, Receive, Scope, Send, header, require_json, send_body
from forebay.api.refusals import NOBODY, Refused, unmetered, unread
from forebay.api.rewritten import Rewritten, Writer
from forebay.core.errors import ForebayError
from forebay.core.ports import Authenticator, Handler
from forebay.core.prompts import Expand, as_it_is
from forebay.core.types import Call, Operation, Request, Trace, Whole


class Exchange(Protocol):
    """One request of a dialect, and how its answer is to be told."""

    @property
    def request(self) -> Request:
        """The request as a chat's."""
        ...

    def whole(self, call: Call, body: bytes, /) -> bytes:
        """A chat's whole reply in the dialect.

        Raises:
            UpstreamError: it is no chat's.
        """
        ...

    def stream(self, call: Call, /) -> Writer:
        """What writes a stream.

        Raises:
            UpstreamError: there is nothing to stream.
        """
        ...


Reader = Callable[[bytes], Exchange]


class Translated:
    """One endpoint of a dialect: ``read`` turns its bodies into exchanges, ``ask`` is the pipeline.

    ``id_headers`` are further names under which the dialect's clients look for the request's id. ``refused`` is told
    of calls that do not come into the pipeline. ``expand`` puts prompts into bodies, where there are any.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # the last ones are there only where they are wanted
        self,
        read: Reader,
        authenticator: Authenticator,
        ask: Handler,
        id_headers: Sequence[bytes] = (),
        refused: Refused = unmetered,
        expand: Expand = as_it_is,
    ) -> None:
        self._refused = refused
        self._read = read
        self._authenticator = authenticator
        self._ask = ask
        self._id_headers = id_headers
        self._expand = expand

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request; raises what is to be told as an error while nothing has been sent."""
        trace = Trace(accepted=time.perf_counter())
        head = head_of(scope)
        principal = NOBODY
        try:
            principal = await self._authenticator.authenticate(head.authorization or bearer_of(scope))
            require_json(head.content_type)
            body, trace.prompt = self._expand((await receive())["body"], principal)
            exchange = self._read(body)
        except ForebayError as error:
            self._refused(unread(request_id, Operation.CHAT, principal, trace), error)
            raise
        call = call_of(request_id, exchange.request, principal, trace, head)
        reply = await self._ask(call)
        headers = [*((name, call.id.encode()) for name in self._id_headers), *reply_headers(call, reply)]
        if isinstance(reply, Whole):
            await send_body(send, 200, [JSON, *headers], exchange.whole(call, reply.body))
        else:
            events = Rewritten(reply.events, exchange.stream(call))
            await send_stream(send, events, headers, events.broken, call.id)


def bearer_of(scope: Scope) -> str | None:
    """The key as other vendors' clients send it, in the form that authenticators read."""
    key = header(scope, b"x-api-key")
    return None if key is None else f"Bearer {key}"
