"""The ASGI application: a table of paths, request ids, errors as a path's clients expect them, start and stop.

It is a plain callable because the inference endpoints are asked ten thousand times a second; whatever is asked rarely
can be any ASGI application mounted beside it.
"""

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager

from forebay.api.forms import FORMS
from forebay.api.http import Endpoint, Message, Receive, Scope, Send, openai_form, send_error
from forebay.core.errors import ForebayError, MethodNotAllowedError, NotFoundError, ServerError
from forebay.plugins import PreparationError

logger = logging.getLogger("forebay.api")

Endpoints = Mapping[str, Mapping[str, Endpoint]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class Table:
    """Endpoints by path and method, and how many requests they are answering.

    ``endpoints`` maps a path to its methods; a path that ends in ``/`` takes all that begin with it. ``pages`` is
    asked for every path that no endpoint has.
    """

    def __init__(self, endpoints: Endpoints, pages: Mapping[str, Endpoint]) -> None:
        self._endpoints = {path: dict(methods) for path, methods in endpoints.items() if not path.endswith("/")}
        self._prefixes = {path: dict(methods) for path, methods in endpoints.items() if path.endswith("/")}
        self._pages = dict(pages)
        self.running = 0
        self.idle: asyncio.Event | None = None

    async def drained(self) -> None:
        """Wait until no request is left; to be asked when no more will come."""
        self.idle = asyncio.Event()
        if self.running:
            await self.idle.wait()

    def ended(self) -> None:
        """One request less."""
        self.running -= 1
        if self.idle is not None and not self.running:
            self.idle.set()

    def find(self, path: str, method: str) -> Endpoint:
        """Who answers.

        Raises:
            NotFoundError: nobody does, at this path.
            MethodNotAllowedError: nobody does, by this method.
        """
        methods = self._endpoints.get(path) or self._by_prefix(path)
        endpoint = methods.get(method)
        if endpoint is None:
            allowed = ", ".join(methods)
            raise MethodNotAllowedError(f"{path} takes {allowed}, not {method}.", headers={"allow": allowed})
        return endpoint

    def _by_prefix(self, path: str) -> Mapping[str, Endpoint]:
        for prefix, methods in self._prefixes.items():
            if path.startswith(prefix) and path != prefix:
                return methods
        if path.startswith("/v1/") or not self._pages:
            raise NotFoundError(f"There is no {path}; see the list of endpoints in the documentation.")
        return self._pages


class Application:
    """Dispatches by path and method; ``lifespan`` is entered before the first request and left after the last."""

    def __init__(self, endpoints: Endpoints, pages: Mapping[str, Endpoint], lifespan: Lifespan) -> None:
        self._pages = pages
        self._table = Table(endpoints, pages)
        self._lifespan = lifespan
        self._ids = _request_ids()

    def replace(self, endpoints: Endpoints) -> Table:
        """From now on requests go to ``endpoints``; those that run end where they are, in the table returned."""
        before, self._table = self._table, Table(endpoints, self._pages)
        return before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's entry."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request_id = next(self._ids)
        table = self._table
        table.running += 1
        try:
            await table.find(scope["path"], scope["method"])(scope, receive, send, request_id)
        except ForebayError as error:
            await send_error(send, error, request_id, FORMS.get(scope["path"], openai_form))
        except Exception:  # the details stay in the log, the client gets the id that finds them
            logger.exception("request %s failed", request_id)
            internal = ServerError(f"Internal error; ask for request {request_id}.")
            await send_error(send, internal, request_id, FORMS.get(scope["path"], openai_form))
        finally:
            table.ended()

    async def _live(self, receive: Receive, send: Send) -> None:
        """The ASGI lifespan protocol; a shutdown that comes while it is still starting ends that."""
        await receive()
        shutdown = asyncio.ensure_future(receive())
        started = asyncio.Event()
        living = asyncio.create_task(self._life(shutdown, started, send))
        try:
            await asyncio.wait([shutdown, living], return_when=asyncio.FIRST_COMPLETED)
            if started.is_set():
                await living
        finally:
            for task in (shutdown, living):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _life(self, shutdown: asyncio.Future[Message], started: asyncio.Event, send: Send) -> None:
        """Run until the ``shutdown``; a failure to start is told to the server, which then does not listen."""
        try:
            async with self._lifespan():
                started.set()
                await send({"type": "lifespan.startup.complete"})
                await shutdown
        except PreparationError as error:
            logger.error("%s", error)  # noqa: TRY400  # it tells a user what to do, a traceback would not
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        except Exception as error:
            stage = "shutdown" if started.is_set() else "startup"
            logger.exception("%s failed", stage)
            await send({"type": f"lifespan.{stage}.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})


def _request_ids() -> Iterator[str]:
    """Ids that are unique over processes and restarts and cost nothing to make."""
    prefix = os.urandom(6).hex()
    return (f"req_{prefix}{number:08x}" for number in itertools.count())
