"""``GET /v1/models`` and ``/v1/models/{id}``: what a principal may name as a model."""

from collections.abc import Sequence

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.core.operations import STORED
from forebay.core.ports import Authenticator
from forebay.core.types import Operation
from forebay.gateway.adapters import AdapterManager
from forebay.gateway.route import Route
from forebay.gateway.target import Target

PREFIX = "/v1/models/"


class Models:
    """Both endpoints; ``created`` is when this server learned of its models (seconds since the epoch).

    An adapter is listed like a model, with ``parent`` for the model that it belongs to, as vLLM does. ``operations``
    is ours: the paths below ``/v1/`` at which the model answers, as far as is known without asking it.
    """

    def __init__(self, route: Route, adapters: AdapterManager, authenticator: Authenticator, created: int) -> None:
        self._route = route
        self._adapters = adapters
        self._authenticator = authenticator
        self._created = created

    async def list(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """All models of the caller."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        found = [
            self._described(name, targets[0].deployment.provider, targets)
            for name, targets in self._route.models(principal)
        ]
        bases = self._route.with_adapters()
        found += [
            self._described(each.name, each.provider, bases[each.model]) | {"parent": each.model}
            for each in await self._adapters.list(principal)
        ]
        await send_json(send, request_id, {"object": "list", "data": found})

    async def show(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One model, also one behind a wildcard, or one adapter that is there."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        name = scope["path"].removeprefix(PREFIX)
        first, *_ = targets = self._route.find(name, principal)
        described = self._described(name, first.deployment.provider, targets)
        if first.deployment.adapter:
            described["parent"] = await self._adapters.parent(principal, name)
        await send_json(send, request_id, described)

    def _described(self, name: str, owner: str, targets: Sequence[Target]) -> dict[str, object]:
        known = frozenset[Operation]().union(*(each.operations for each in targets)) - STORED
        operations = [each.value for each in Operation if each in known]
        return {
            "id": name,
            "object": "model",
            "created": self._created,
            "owned_by": owner,
            "operations": operations,
        }
