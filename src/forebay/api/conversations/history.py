"""Items as clients send them, as they are kept, as they are shown, and as the model is asked with them again."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay.api.responses.facts import shown as shown_facts
from forebay.api.responses.items import conversation
from forebay.api.responses.shapes import Item as Sent
from forebay.core.conversations import START, Facts, Item

Fields = dict[str, Any]

PREFIXES: Final = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "reasoning": "rs",
}
ENCRYPTED: Final = "encrypted_content"

_OWN: Final = ("id", "type", "role", "status")


def heard(items: str | Sequence[Sent], param: str = "input") -> Sequence[Item]:
    """What a client says, as it is kept, each with an id of its own.

    Raises:
        InvalidRequestError: it is nothing that could be asked.
    """
    conversation(None, items, param)
    if isinstance(items, str):
        items = [Sent(role="user", content=items)]
    return [_heard(item) for item in items]


def said(items: Sequence[Fields], response: str, facts: Facts) -> Sequence[Item]:
    """What a model said, as it is kept."""
    return [
        kept(fields, created=time.time(), response=response, output=True, facts=facts, status=fields["status"])
        for fields in items
    ]


def kept(fields: Mapping[str, Any], **others: Any) -> Item:  # noqa: ANN401  # an Item's
    """An item of OpenAI's with all its fields."""
    own = {name: value for name, value in fields.items() if name not in _OWN}
    return Item(
        id=fields["id"], type=fields["type"], role=fields.get("role") or "", fields=own, text=text_of(own), **others
    )


def asked(items: Sequence[Item]) -> list[Sent]:
    """What was said before, as a request has it; a call that was cut off has no arguments, and is left out."""
    return [sent_again(item) for item in items if item.type != "function_call" or item.status == "completed"]


def sent_again(item: Item) -> Sent:
    """An item that is kept as a request has it."""
    return msgspec.convert({**item.fields, "type": item.type, "role": item.role or None}, Sent)


def is_reference(item: Sent) -> bool:
    """Whether an item only names another."""
    return item.type == "item_reference" or (item.type is None and item.role is None)


def shown(item: Item, encrypted: bool = False) -> Fields:  # noqa: FBT001, FBT002  # whether to tell one field
    """An item as clients see it; ``encrypted`` reasoning only if they ask for it."""
    own = {name: value for name, value in item.fields.items() if encrypted or name != ENCRYPTED}
    fields: Fields = {"id": item.id, "type": item.type, "status": item.status, **own}
    if item.role:
        fields["role"] = item.role
    if item.facts is not None:
        fields["forebay"] = shown_facts(item.facts, item.response)
    return fields | {
        "parent": item.parent or None,
        "siblings": item.siblings,
        "created_at": int(item.created),
        "response_id": item.response or None,
    }


def text_of(fields: Mapping[str, Any]) -> str:
    """What people read in an item: the texts of its parts."""
    content = fields.get("content") or fields.get("output") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text") or part.get("refusal") or "" for part in content)


def new_id(kind: str) -> str:
    """An id that nothing else has."""
    return f"{PREFIXES.get(kind, kind)}_{os.urandom(16).hex()}"


def _heard(item: Sent) -> Item:
    kind = item.type or "message"
    fields = {name: value for name, value in msgspec.to_builtins(item).items() if value is not None}
    if kind == "message":
        fields["content"] = _content(item)
    elif kind == "function_call":
        fields["arguments"] = item.arguments or "{}"
    elif kind == "reasoning":
        fields["summary"] = []
    return kept(
        {**fields, "id": new_id(kind), "type": kind},
        status="completed",
        created=time.time(),
        parent=START,
    )


def _content(item: Sent) -> list[Fields]:
    """A message's parts, by the names that they have in answers."""
    spoken = item.role == "assistant"
    if isinstance(item.content, str) or item.content is None:
        return [_text(item.content or "", spoken)]
    found: list[Fields] = []
    for part in item.content:
        if part.type in {"input_text", "output_text"}:
            found.append(_text(part.text or "", spoken))
        else:
            found.append({name: value for name, value in msgspec.to_builtins(part).items() if value is not None})
    return found


def _text(text: str, spoken: bool) -> Fields:  # noqa: FBT001  # by whom
    if spoken:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "input_text", "text": text}
