"""What every endpoint that asks a model does: read the head of a request, write the head of a reply, pass events on."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing

from forebay.api.http import Headers, Scope, Send, encoded, printable
from forebay.core.errors import ForebayError
from forebay.core.money import dollars
from forebay.core.types import Call, Events, Reply, Whole

EVENT_STREAM: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]

# Events that are all there at once (a replay, a fast upstream) never suspend: others must get their turn in between.
BURST = 32


def headers_of(scope: Scope) -> tuple[str | None, str | None, str]:
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


def reply_headers(call: Call, reply: Reply) -> Headers:
    """Who answered, under which id, how long it took until now, and what a whole reply cost, in dollars, if known."""
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
    if trace.cost is not None and isinstance(reply, Whole):
        headers.append((b"x-forebay-cost", dollars(trace.cost).encode()))
    if reply.headers:
        headers += encoded(reply.headers)
    return headers


async def send_stream(send: Send, events: Events, headers: Headers, broken: Callable[[ForebayError], bytes]) -> None:
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
    await send({"type": "http.response.body", "body": b""})
