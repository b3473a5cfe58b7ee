"""What every endpoint that asks a model does: read the head of a request, write the head of a reply, pass events on."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing

import msgspec

from forebay.api.http import JSON, Headers, Scope, Send, encoded, printable, send_body
from forebay.api.multipart import read_form
from forebay.core.errors import ForebayError, ServerError
from forebay.core.form import Form
from forebay.core.money import dollars
from forebay.core.stream import error_event
from forebay.core.types import Call, Events, Principal, Reply, Request, Stream, Trace, Whole

logger = logging.getLogger("forebay.api")

EVENT_STREAM: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]

# What a provider keeps may be anybody's page: no browser is to run it as one of ours, whoever opens it.
FOREIGN: Headers = [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"sandbox")]

LARGE_BYTES = 1024 * 1024  # a longer form is read beside the event loop

# Events that are all there at once (a replay, a fast upstream) never suspend: others must get their turn in between.
BURST = 32


class Head(msgspec.Struct, gc=False):
    """What endpoints read of a request's head."""

    authorization: str | None = None
    content_type: str | None = None
    session: str = ""
    cache_control: str = ""
    traceparent: str = ""
    tracestate: str = ""
    capture: str = ""


def head_of(scope: Scope) -> Head:
    """The head in one go over all headers: every request is asked."""
    head = Head()
    for name, value in scope["headers"]:
        if name == b"authorization":
            head.authorization = str(value, "latin-1")
        elif name == b"content-type":
            head.content_type = str(value, "latin-1")
        elif name == b"x-session-id":
            head.session = str(value, "latin-1")
        elif name == b"cache-control":
            head.cache_control = str(value, "latin-1")
        elif name == b"traceparent":
            head.traceparent = str(value, "latin-1")
        elif name == b"tracestate":
            head.tracestate = str(value, "latin-1")
        elif name == b"x-forebay-capture":
            head.capture = str(value, "latin-1").lower()
    return head


def call_of(request_id: str, request: Request, principal: Principal, trace: Trace, head: Head) -> Call:
    """The call that all of it makes."""
    marks = (head.session, head.cache_control, head.traceparent, head.tracestate, head.capture)
    return Call(request_id, request, principal, trace, *marks)


def reply_headers(call: Call, reply: Reply) -> Headers:
    """Who answered, under which id, how long it took until now, and what a whole reply cost, in dollars, if known."""
    trace = call.trace
    provider = (trace.provider_answered or trace.provider_started) - trace.provider_started
    gateway = time.perf_counter() - trace.accepted - provider
    headers = [
        (b"x-request-id", call.id.encode()),
        (b"x-forebay-deployment", printable(trace.deployment)),
        (b"x-forebay-attempts", b"%d" % len(trace.attempts)),
        (b"server-timing", b"gateway;dur=%.2f, provider;dur=%.2f" % (gateway * 1e3, provider * 1e3)),
    ]
    if call.request.model:
        headers.append((b"x-forebay-model", printable(call.request.model)))
    if trace.prompt:
        headers.append((b"x-forebay-prompt", printable(trace.prompt)))
    if trace.cost is not None and isinstance(reply, Whole):
        headers.append((b"x-forebay-cost", dollars(trace.cost).encode()))
    if reply.headers:
        headers += encoded(reply.headers)
    return headers


async def form_of(content_type: str | None, body: bytes) -> Form:
    """The form in ``body``.

    Raises:
        UnsupportedMediaTypeError: it is none.
        InvalidRequestError: it is malformed.
    """
    if len(body) > LARGE_BYTES:
        return await asyncio.to_thread(read_form, content_type or "", body)
    return read_form(content_type or "", body)


async def send_reply(send: Send, call: Call, reply: Reply) -> None:
    """Send ``reply`` as it is: whole, as events, or piece by piece."""
    headers = reply_headers(call, reply)
    if isinstance(reply, Whole):
        kind = [_type(reply.content_type), *FOREIGN] if reply.content_type else [JSON]
        await send_body(send, 200, [*kind, *headers], reply.body)
    elif reply.content_type:
        await _send_pieces(send, call, reply, headers)
    else:
        await send_stream(send, reply.events, headers, error_event, call.id)


async def _send_pieces(send: Send, call: Call, reply: Stream, headers: Headers) -> None:
    """Pass a body on as it comes; one that breaks is left without an end, which is all that can be told by then."""
    async with aclosing(reply.events) as pieces:
        head = [_type(reply.content_type), *FOREIGN, *headers]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        try:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece.data, "more_body": True})
        except ForebayError as error:
            logger.warning("request %s broke off: %s", call.id, error)
            return
        except Exception:  # by now nobody else could tell the client
            logger.exception("request %s broke off", call.id)
            return
    await send({"type": "http.response.body", "body": b""})


def _type(content_type: str) -> tuple[bytes, bytes]:
    return b"content-type", printable(content_type)


async def send_stream(
    send: Send, events: Events, headers: Headers, broken: Callable[[ForebayError], bytes], request_id: str
) -> None:
    """Pass ``events`` on; a stream that breaks ends with what ``broken`` makes of the error."""
    async with aclosing(events) as pieces:
        await send({"type": "http.response.start", "status": 200, "headers": EVENT_STREAM + headers})
        try:
            left = BURST
            async for event in pieces:
                await send({"type": "http.response.body", "body": event.data, "more_body": True})
                left -= 1
                if not left:
                    left = BURST
                    await asyncio.sleep(0)
        except ForebayError as error:
            await send({"type": "http.response.body", "body": broken(error), "more_body": True})
        except Exception:  # by now nobody else could tell the client
            logger.exception("request %s broke off", request_id)
            internal = ServerError(f"Internal error; ask for request {request_id}.")
            await send({"type": "http.response.body", "body": broken(internal), "more_body": True})
    await send({"type": "http.response.body", "body": b""})
