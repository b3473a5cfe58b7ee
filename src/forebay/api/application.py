"""The ASGI application: a table of paths, request ids, errors as OpenAI's clients expect them, start and stop.

It is a plain callable because the inference endpoints are asked ten thousand times a second; whatever is asked rarely
can be any ASGI application mounted beside it.
"""

import itertools
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager

from forebay.api.http import Receive, Scope, Send, send_error
from forebay.api.inference import Endpoint
from forebay.core.errors import ForebayError, MethodNotAllowedError, NotFoundError, ServerError

logger = logging.getLogger("forebay.api")

Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class Application:
    """Dispatches by path and method.

    ``endpoints`` maps a path to its methods; a path that ends in ``/`` takes all that begin with it. ``pages`` is
    asked for every path that no endpoint has. ``lifespan`` is entered before the first request and left after the
    last.
    """

    def __init__(
        self, endpoints: Mapping[str, Mapping[str, Endpoint]], pages: Mapping[str, Endpoint], lifespan: Lifespan
    ) -> None:
        self._endpoints = {path: dict(methods) for path, methods in endpoints.items() if not path.endswith("/")}
        self._prefixes = {path: dict(methods) for path, methods in endpoints.items() if path.endswith("/")}
        self._pages = dict(pages)
        self._lifespan = lifespan
        self._ids = _request_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's entry."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request_id = next(self._ids)
        try:
            await self._find(scope)(scope, receive, send, request_id)
        except ForebayError as error:
            await send_error(send, error, request_id)
        except Exception:  # the details stay in the log, the client gets the id that finds them
            logger.exception("request %s failed", request_id)
            await send_error(send, ServerError(f"Internal error; ask for request {request_id}."), request_id)

    def _find(self, scope: Scope) -> Endpoint:
        path: str = scope["path"]
        methods = self._endpoints.get(path) or self._by_prefix(path)
        endpoint = methods.get(scope["method"])
        if endpoint is None:
            allowed = ", ".join(methods)
            raise MethodNotAllowedError(f"{path} takes {allowed}, not {scope['method']}.", headers={"allow": allowed})
        return endpoint

    def _by_prefix(self, path: str) -> Mapping[str, Endpoint]:
        for prefix, methods in self._prefixes.items():
            if path.startswith(prefix) and path != prefix:
                return methods
        if path.startswith("/v1/") or not self._pages:
            raise NotFoundError(f"There is no {path}; see the list of endpoints in the documentation.")
        return self._pages

    async def _live(self, receive: Receive, send: Send) -> None:
        """The ASGI lifespan protocol: a failure to start is told to the server, which then does not listen."""
        started = False
        try:
            await receive()
            async with self._lifespan():
                started = True
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            stage = "shutdown" if started else "startup"
            logger.exception("%s failed", stage)
            await send({"type": f"lifespan.{stage}.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})


def _request_ids() -> Iterator[str]:
    """Ids that are unique over processes and restarts and cost nothing to make."""
    prefix = os.urandom(6).hex()
    return (f"req_{prefix}{number:08x}" for number in itertools.count())
