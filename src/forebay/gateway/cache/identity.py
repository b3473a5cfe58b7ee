"""Who answers for a model, as part of a key: other providers, addresses or options mean other answers."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from forebay.gateway.target import Model
from forebay.settings import Secret

_REMEMBERED: Final = 4096


class Identities:
    """Identities of models; ``providers`` has a digest of what each provider was built from, by its name."""

    def __init__(self, providers: Mapping[str, str]) -> None:
        self._providers = providers
        self._known: dict[str, str] = {}

    def of(self, model: Model) -> str:
        """The identity of ``model``: all its deployments, in their order."""
        found = self._known.get(model.name)
        if found is None:
            if len(self._known) >= _REMEMBERED:  # names behind a wildcard are the clients'
                self._known.clear()
            found = self._known[model.name] = self._made(model)
        return found

    def _made(self, model: Model) -> str:
        deployments = [each.deployment for each in model.targets]
        parts = [[self._providers.get(each.provider, each.provider), each.model, each.adapter] for each in deployments]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def digest(kind: str, options: object, mark: Secret | None = None) -> str:
    """Of a provider's kind and options, but not of its secrets: a new key for the same place changes no answer.

    The secret of a ``mark`` does, and leaves a one-way fingerprint: an answer with the former mark is not today's.
    Options that say what they stand for, instead of where it is now, are that.
    """
    options = getattr(options, "stands_for", None) or options
    parts = [kind, options] if mark is None else [kind, options, _fingerprint(mark)]
    encoded = msgspec.json.encode(parts, enc_hook=_plain, order="sorted")
    return hashlib.sha256(encoded).hexdigest()


def _fingerprint(secret: Secret) -> str:
    """Good for nothing but to be compared: the same secret has another one elsewhere."""
    return hashlib.blake2b(secret.reveal().encode(), digest_size=16, person=b"forebay mark").hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401  # whatever a plug-in's settings hold
    if isinstance(value, Secret):
        return None
    if isinstance(value, Path):
        return str(value)
    return repr(value)
