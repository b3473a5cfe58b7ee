"""What was asked and answered, as far as a conversation or a capture has kept it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay.core.conversations import Item, Owner
from forebay.core.decode import MALFORMED
from forebay.core.errors import NotFoundError
from forebay.core.reviews import Texts
from forebay.core.store import Store

RESPONSE: Final = "resp_"
REQUEST: Final = "req_"

Message = Mapping[str, str]


async def texts(store: Store, owner: Owner, request: str) -> Texts | None:
    """Those of a request of ``owner``'s; ``None`` where nobody kept them.

    Raises:
        UnavailableError: the store cannot be read now.
    """
    return await conversed(store, owner, request.replace(REQUEST, RESPONSE, 1)) or await captured(store, owner, request)


async def conversed(store: Store, owner: Owner, response: str) -> Texts | None:
    """What led to a response, and what it says.

    Raises:
        UnavailableError: the store cannot be read now.
    """
    try:
        items = await store.responses.history(owner, response)
    except NotFoundError:
        return None
    asked = [_message(item) for item in items if item.response != response or not item.output]
    answer = "".join(text_of(item.fields.get("content")) for item in items if item.output and item.response == response)
    return Texts([each for each in asked if each["content"]], answer, "conversation")


async def captured(store: Store, owner: Owner, request: str) -> Texts | None:
    """What the bodies say that were captured of a request.

    Raises:
        UnavailableError: the store cannot be read now.
    """
    found = await store.captures.find(request)
    if found is None or (found.tenant, found.principal) != (owner.tenant, owner.name):
        return None
    try:
        body, reply = msgspec.json.decode(found.request), msgspec.json.decode(found.reply or b"{}")
    except MALFORMED:
        return None
    return Texts(list(_asked(body)), _answered(reply), "capture")


def text_of(content: object) -> str:
    """What the ``content`` of a message says; what is no text says nothing."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _message(item: Item) -> Message:
    return {"role": item.role or "user", "content": text_of(item.fields.get("content"))}


def _asked(body: object) -> Sequence[Message]:
    """The messages of a chat, or the text of a completion."""
    messages, prompt = _get(body, "messages"), _get(body, "prompt")
    if isinstance(messages, list):
        said = ((str(_get(each, "role")), text_of(_get(each, "content"))) for each in messages)
        return [{"role": role, "content": text} for role, text in said if text]
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) and prompt else []


def _answered(reply: object) -> str:
    choices = _get(reply, "choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return text_of(_get(_get(first, "message"), "content")) or text_of(_get(first, "text"))


def _get(value: Any, name: str) -> object:  # noqa: ANN401  # JSON
    return value.get(name) if isinstance(value, dict) else None
