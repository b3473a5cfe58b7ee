"""Items, conversations and responses as rows of every database, and rows as what they were."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping

from forebay.core.conversations import START, Conversation, Facts, Item, Owner, StoredResponse

SEARCHED: Final = 64 * 1024
"""So many characters of an item are found by searching."""

INTEGER_LIMIT: Final = 2**53

_FACTS: Final = ("request", "model", "deployment", "input_tokens", "output_tokens", "cost", "ttft", "seconds")
_OTHERS: Final = tuple(name for name in Facts.__struct_fields__ if name not in _FACTS)
_NO_FACTS: Final[Mapping[str, Any]] = {**dict.fromkeys(_FACTS), "details": "{}"}


def folded(text: str) -> str:
    """``text`` as it is searched: in one case, and without what PostgreSQL does not take.

    The Turkish İ is folded to an i and a dot above it, which nobody types who looks for it.
    """
    return text[:SEARCHED].casefold().replace("i\u0307", "i").replace("\0", "\ufffd")


def plain(text: str) -> str:
    """``text`` without what PostgreSQL does not take."""
    return text.replace("\0", "\ufffd")


def conversation_row(owner: Owner, found: Conversation) -> dict[str, Any]:
    """A conversation as a row."""
    fields = msgspec.structs.asdict(found)
    title = plain(found.title)
    metadata = msgspec.json.encode(found.metadata).decode()
    return {
        **fields,
        "tenant": owner.tenant,
        "owner": owner.name,
        "title": title,
        "words": folded(title),
        "metadata": metadata,
    }


def conversation_of(row: RowMapping) -> Conversation:
    """A row as a conversation."""
    fields = {name: row[name] for name in Conversation.__struct_fields__}
    return Conversation(**{**fields, "metadata": msgspec.json.decode(row["metadata"])})


def item_row(conversation: str, item: Item, depth: int) -> dict[str, Any]:
    """An item as a row, ``depth`` items below the first."""
    return {
        "id": item.id,
        "conversation": conversation,
        "parent": item.parent,
        "depth": depth,
        "created": item.created,
        "type": item.type,
        "role": item.role,
        "status": item.status,
        "response": item.response,
        "output": item.output,
        "fields": msgspec.json.encode(item.fields).decode(),
        "words": folded(item.text),
        **_facts_row(item.facts),
    }


def item_of(row: RowMapping, siblings: Sequence[str] = ()) -> Item:
    """A row as an item."""
    return Item(
        id=row["id"],
        type=row["type"],
        role=row["role"],
        status=row["status"],
        fields=msgspec.json.decode(row["fields"]),
        created=row["created"],
        parent=row["parent"],
        response=row["response"],
        output=row["output"],
        facts=_facts_of(row),
        siblings=tuple(siblings) or (row["id"],),
    )


def response_of(row: RowMapping) -> StoredResponse:
    """A row as a response."""
    fields = {name: row[name] for name in StoredResponse.__struct_fields__}
    return StoredResponse(**{**fields, "body": msgspec.json.decode(row["body"])})


def chained(
    conversation: str, items: Sequence[Item], parent: str, depth: int
) -> tuple[list[Item], list[dict[str, Any]]]:
    """``items`` one after the other below ``parent``, which is at ``depth``; with their rows."""
    found: list[Item] = []
    for item in items:
        found.append(msgspec.structs.replace(item, parent=parent, siblings=(item.id,)))
        parent = item.id
    rows = [item_row(conversation, item, depth + number) for number, item in enumerate(found, 1)]
    return found, rows


def depths(items: Sequence[Item]) -> Mapping[str, int]:
    """How deep each of ``items`` is; parents come before children."""
    found = {START: 0}
    for item in items:
        found[item.id] = found[item.parent] + 1
    return found


def _facts_row(facts: Facts | None) -> Mapping[str, Any]:
    if facts is None:
        return _NO_FACTS
    known = {name: _bounded(getattr(facts, name)) for name in _FACTS}
    others = {name: getattr(facts, name) for name in _OTHERS}
    return {**known, "details": msgspec.json.encode(others).decode()}


def _facts_of(row: RowMapping) -> Facts | None:
    if row["request"] is None:
        return None
    return msgspec.convert(
        {**msgspec.json.decode(row["details"]), **{name: row[name] for name in _FACTS}}, Facts, strict=False
    )


def _bounded(value: object) -> object:
    if isinstance(value, str):
        return plain(value)
    if type(value) is int:
        return max(-INTEGER_LIMIT, min(value, INTEGER_LIMIT))
    return value
