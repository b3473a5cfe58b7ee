"""The key of a request: a hash of all that can change its answer, and of whom the answer is for."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay.core.types import Operation
from forebay.gateway.cache.fields import LEFT_OUT

SCHEMA: Final = "forebay-cache-1"
"""Changes when what is stored, or how a key is made, does: old entries are not found any more."""

_sorted = msgspec.json.Encoder(order="sorted")


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Whom an entry is for: a tenant, one of its namespaces, and who answers (see `identity`)."""

    tenant: str
    namespace: str
    identity: str


def key(operation: Operation, owner: Owner, fields: Mapping[str, Any]) -> bytes:
    """SHA-256 of the request in canonical form: its fields sorted at every depth, as JSON."""
    kept = {name: value for name, value in fields.items() if name not in LEFT_OUT}
    return _hash([SCHEMA, operation.value, owner.tenant, owner.namespace, owner.identity, kept])


def scope(owner: Owner, fields: Mapping[str, Any]) -> bytes:
    """The same of a chat without the text of its last message: what must be equal where the text may differ."""
    kept = {name: value for name, value in fields.items() if name not in LEFT_OUT}
    *before, last = kept["messages"]
    kept["messages"] = [*before, {**last, "content": None}]
    return _hash([SCHEMA, "scope", owner.tenant, owner.namespace, owner.identity, kept])


def _hash(parts: list[Any]) -> bytes:
    return hashlib.sha256(_sorted.encode(parts)).digest()
