"""A request as the cache sees it: under which key its answer is, for whom, and what its caller wishes."""

from typing import Any

import msgspec

from forebay.core.cachecontrol import NO_WISHES, CacheControl, with_header
from forebay.core.decode import MALFORMED
from forebay.core.types import Call, Request
from forebay.gateway.cache.identity import Identities
from forebay.gateway.cache.key import Owner, key, scope
from forebay.gateway.cache.wording import question_of
from forebay.gateway.target import Model
from forebay.settings import CacheSettings

OFF, SEMANTIC = "off", "semantic"

SHARED_TENANT = ""
"""Whose entries are where all tenants have one cache."""


class Wording(msgspec.Struct, frozen=True, gc=False):
    """A question that may have been asked in other words: how near they must be."""

    scope: bytes
    text: str
    threshold: float


class Asked(msgspec.Struct, frozen=True):
    """What ``call`` looks for, and what to store for it; its body says nothing that was not keyed."""

    call: Call
    model: Model
    key: bytes
    owner: Owner
    wishes: CacheControl
    wording: Wording | None
    ttl: float


class Reader:
    """Reads requests by the settings of the cache."""

    def __init__(self, settings: CacheSettings, identities: Identities) -> None:
        self._settings = settings
        self._identities = identities

    def wishes(self, call: Call) -> CacheControl:
        """What the caller of ``call`` wishes.

        Raises:
            InvalidRequestError: it cannot be understood.
        """
        return with_header(call.request.cache or NO_WISHES, call.cache_control)

    def read(self, call: Call, model: Model, wishes: CacheControl) -> Asked | None:
        """What ``call`` asks of the cache; ``None``: nothing."""
        if OFF in (model.cache, wishes.mode) or (wishes.no_cache and wishes.no_store):
            return None
        request = call.request
        fields = _fields(request)
        if fields is None:
            return None
        settings = self._settings
        tenant = SHARED_TENANT if settings.shared else call.principal.tenant
        namespace = settings.namespace if wishes.namespace is None else wishes.namespace
        owner = Owner(tenant, namespace, self._identities.of(model))
        return Asked(
            _keyed(call, msgspec.json.encode(fields)),
            model,
            key(request.operation, owner, fields),
            owner,
            wishes,
            self._wording(request, model, owner, fields, wishes),
            min(settings.ttl if wishes.ttl is None else wishes.ttl, settings.max_ttl),
        )

    def _wording(
        self, request: Request, model: Model, owner: Owner, fields: dict[str, Any], wishes: CacheControl
    ) -> Wording | None:
        semantic = self._settings.semantic
        if semantic is None or model.cache != SEMANTIC or wishes.mode not in (None, SEMANTIC):
            return None
        text = question_of(request.operation, fields, semantic)
        if text is None:
            return None
        return Wording(scope(owner, fields), text, max(semantic.threshold, wishes.threshold or 0.0))


def _keyed(call: Call, body: bytes) -> Call:
    """``call`` with the body that its key is made of: of two equal fields, say, only the one that was looked at."""
    if body == call.request.body:
        return call
    return msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, body=body))


def _fields(request: Request) -> dict[str, Any] | None:
    """The request's fields; ``None`` if there is more in them than JSON can say twice (a lone surrogate)."""
    try:
        fields: dict[str, Any] = msgspec.json.decode(request.body)
    except MALFORMED:
        return None
    return fields
