"""``/v1/responses/{id}``: responses that are kept, and what they were generated from."""

from collections.abc import Sequence
from typing import Any, Final

from forebay.api.conversations.exchange import Asker, no_such_path, path_of
from forebay.api.conversations.history import shown
from forebay.api.conversations.items import branch_query
from forebay.api.conversations.query import Query, listed
from forebay.api.http import Receive, Scope, Send, send_json
from forebay.api.responses.shapes import ENCRYPTED
from forebay.core.conversations import Item, Responses, StoredResponse
from forebay.core.errors import InvalidRequestError

PREFIX: Final = "/v1/responses/"

# What OpenAI's object always has, for one whose end nobody saw.
UNKNOWN: Final[dict[str, Any]] = {
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "store": True,
}


class ResponseEndpoints:
    """Each for their owner only."""

    def __init__(self, responses: Responses, asker: Asker) -> None:
        self._responses = responses
        self._asker = asker

    async def read(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """One of them, or its input."""
        owner = await self._asker.owner(scope)
        match path_of(scope, PREFIX):
            case [identity]:
                query = Query(scope, ("stream", "starting_after", "include_obfuscation"))
                if query.text("stream").lower() == "true":
                    raise InvalidRequestError("A response is streamed once: leave out 'stream'.", param="stream")
                found, output = await self._responses.find(owner, identity)
                await send_json(send, request_id, _response(found, output, ENCRYPTED in query.include))
            case [identity, "input_items"]:
                query = Query(scope, ("limit", "after", "order"))
                wanted, limit = branch_query(query)
                items = await self._responses.inputs(owner, identity, wanted)
                page = [shown(item, encrypted=ENCRYPTED in query.include) for item in items[:limit]]
                await send_json(send, request_id, listed(page, len(items) > limit))
            case _:
                raise no_such_path(scope)

    async def delete(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Delete one."""
        owner = await self._asker.owner(scope)
        match path_of(scope, PREFIX):
            case [identity]:
                await self._responses.delete(owner, identity)
                await send_json(send, request_id, {"id": identity, "object": "response", "deleted": True})
            case _:
                raise no_such_path(scope)

    async def write(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Nothing can be cancelled that is not in the background."""
        owner = await self._asker.owner(scope)
        match path_of(scope, PREFIX):
            case [identity, "cancel"]:
                await self._responses.find(owner, identity)
                raise InvalidRequestError(
                    "Only responses with 'background' are cancelled; close the stream of this one instead."
                )
            case _:
                raise no_such_path(scope)


def _response(found: StoredResponse, output: Sequence[Item], encrypted: bool) -> dict[str, Any]:  # noqa: FBT001
    return {
        **UNKNOWN,
        "id": found.id,
        "object": "response",
        "created_at": int(found.created),
        "model": found.model,
        **found.body,
        "status": found.status,
        "output": [shown(item, encrypted) for item in output],
    }
