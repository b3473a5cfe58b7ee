"""The endpoints that ask a model: body in, pipeline, reply out, whole or as server-sent events."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from forebay.api.http import JSON, Headers, Receive, Scope, Send, encoded, printable, require_json, send_body
from forebay.api.requests import Reader
from forebay.core.errors import ForebayError
from forebay.core.ports import Authenticator, Handler
from forebay.core.stream import error_event
from forebay.core.types import Call, Reply, Stream, Trace, Whole

EVENT_STREAM: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]

# Events that are all there at once (a replay, a fast upstream) never suspend: others must get their turn in between.
BURST = 32

Endpoint = Callable[[Scope, Receive, Send, str], Awaitable[None]]


class Inference:
    """One inference endpoint: ``read`` turns its bodies into requests, ``ask`` is the pipeline."""

    def __init__(self, read: Reader, authenticator: Authenticator, ask: Handler) -> None:
        self._read = read
        self._authenticator = authenticator
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request; raises what is to be told as an error while nothing has been sent."""
        trace = Trace(accepted=time.perf_counter())
        authorization, content_type, session = _headers_of(scope)
        principal = await self._authenticator.authenticate(authorization)
        require_json(content_type)
        body = (await receive())["body"]
        call = Call(request_id, self._read(body), principal, trace, session)
        reply = await self._ask(call)
        headers = _headers(call, reply)
        if isinstance(reply, Whole):
            await send_body(send, 200, [JSON, *headers], reply.body)
        else:
            await _send_stream(send, reply, EVENT_STREAM + headers)


async def _send_stream(send: Send, reply: Stream, headers: Headers) -> None:
    """Pass the events on; a stream that breaks ends with an error event and without ``[DONE]``."""
    async with aclosing(reply.events) as events:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            left = BURST
            async for event in events:
                await send({"type": "http.response.body", "body": event.data, "more_body": True})
                left -= 1
                if not left:
                    left = BURST
                    await asyncio.sleep(0)
        except ForebayError as error:
            await send({"type": "http.response.body", "body": error_event(error), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _headers(call: Call, reply: Reply) -> Headers:
    trace = call.trace
    provider = (trace.provider_answered or trace.provider_started) - trace.provider_started
    gateway = time.perf_counter() - trace.accepted - provider
    headers = [
        (b"x-request-id", call.id.encode()),
        (b"x-forebay-model", printable(call.request.model)),
        (b"x-forebay-deployment", printable(trace.deployment)),
        (b"x-forebay-attempts", b"%d" % len(trace.attempts)),
        (b"server-timing", b"gateway;dur=%.2f, provider;dur=%.2f" % (gateway * 1e3, provider * 1e3)),
    ]
    if reply.headers:
        headers += encoded(reply.headers)
    return headers


def _headers_of(scope: Scope) -> tuple[str | None, str | None, str]:
    """Authorization, content type and session in one go over all headers, because this is asked of every request."""
    authorization = content_type = None
    session = ""
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = str(value, "latin-1")
        elif name == b"content-type":
            content_type = str(value, "latin-1")
        elif name == b"x-session-id":
            session = str(value, "latin-1")
    return authorization, content_type, session
