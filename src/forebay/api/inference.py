"""The endpoints that ask a model: body in, pipeline, reply out, whole or as server-sent events."""

import time

from forebay.api.exchange import headers_of, reply_headers, send_stream
from forebay.api.http import JSON, Receive, Scope, Send, require_json, send_body
from forebay.api.requests import Reader
from forebay.core.ports import Authenticator, Handler
from forebay.core.stream import error_event
from forebay.core.types import Call, Trace, Whole


class Inference:
    """One inference endpoint: ``read`` turns its bodies into requests, ``ask`` is the pipeline."""

    def __init__(self, read: Reader, authenticator: Authenticator, ask: Handler) -> None:
        self._read = read
        self._authenticator = authenticator
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request; raises what is to be told as an error while nothing has been sent."""
        trace = Trace(accepted=time.perf_counter())
        authorization, content_type, session = headers_of(scope)
        principal = await self._authenticator.authenticate(authorization)
        require_json(content_type)
        body = (await receive())["body"]
        call = Call(request_id, self._read(body), principal, trace, session)
        reply = await self._ask(call)
        headers = reply_headers(call, reply)
        if isinstance(reply, Whole):
            await send_body(send, 200, [JSON, *headers], reply.body)
        else:
            await send_stream(send, reply.events, headers, error_event)
