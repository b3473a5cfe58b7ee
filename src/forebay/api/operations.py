"""What the people who run a server ask it: is it alive, is it ready, what are its figures."""

from collections.abc import Callable, Mapping

import msgspec

from forebay.api.http import JSON, TEXT, Receive, Scope, Send, header, send_body
from forebay.core.ports import Authenticator
from forebay.core.scopes import ADMIN, require

Failures = Callable[[], Mapping[str, str]]


class Operations:
    """``/health`` (the process answers), ``/ready`` (every provider can answer) and ``/metrics`` (Prometheus).

    ``failures`` are of providers that say themselves that they cannot answer, ``troubles`` of those that were asked in
    vain of late: another request may reach them.
    """

    def __init__(
        self, authenticator: Authenticator, failures: Failures, troubles: Failures, metrics: Callable[[], str]
    ) -> None:
        self._authenticator = authenticator
        self._failures = failures
        self._troubles = troubles
        self._metrics = metrics

    async def health(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Alive: for a supervisor that restarts."""
        await _send(send, 200, {"status": "ok"})

    async def ready(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Ready: for a load balancer; 503 names the providers that cannot answer, ``troubled`` those that did not."""
        failures, troubled = self._failures(), self._troubles()
        told = {"troubled": troubled} if troubled else {}
        if failures:
            await _send(send, 503, {"status": "unavailable", "providers": failures, **told})
        else:
            await _send(send, 200, {"status": "ready", **told})

    async def metrics(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """The figures; behind a key where keys are configured, because they tell who uses what."""
        require(await self._authenticator.authenticate(header(scope, b"authorization")), ADMIN)
        await send_body(send, 200, [TEXT], self._metrics().encode())


async def _send(send: Send, status: int, body: object) -> None:
    await send_body(send, status, [JSON], msgspec.json.encode(body))
