"""All prompts of a moment, and which version of one a caller gets."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from forebay.core.errors import NotFoundError
from forebay.core.prompts import EVERYBODY, PRODUCTION, Collection, Label, Prompt

_RANGE: Final = 2.0**64


class Shelf:
    """The prompts of a `Collection`. Those of the configuration are everybody's, and hide others of the same id."""

    def __init__(self, *collections: Collection) -> None:
        self._versions: dict[tuple[str, str], dict[int, Prompt]] = {}
        self._labels: dict[tuple[str, str], dict[str, Label]] = {}
        for each in (prompt for collection in collections for prompt in collection.prompts):
            self._versions.setdefault((each.tenant, each.draft.id), {})[each.version] = each
        for label in (label for collection in collections for label in collection.labels):
            self._labels.setdefault((label.tenant, label.id), {})[label.name] = label

    def ids(self, tenant: str) -> Sequence[str]:
        """The prompts that ``tenant`` may use."""
        return sorted({identity for owner, identity in self._versions if owner in {EVERYBODY, tenant}})

    def versions(self, tenant: str, identity: str) -> Sequence[Prompt]:
        """All versions of a prompt, the oldest first.

        Raises:
            NotFoundError: ``tenant`` has no such prompt.
        """
        found = self._versions.get(self._owned(tenant, identity))
        if found is None:
            raise NotFoundError(
                "There is no such prompt for you; GET /v1/prompts lists what you may name.", param="prompt.id"
            )
        return [found[number] for number in sorted(found)]

    def labels(self, tenant: str, identity: str) -> Mapping[str, Mapping[int, float]]:
        """The labels of a prompt, each with its versions and their weights."""
        found = self._labels.get(self._owned(tenant, identity), {})
        return {name: label.shares for name, label in sorted(found.items())}

    def is_configured(self, identity: str) -> bool:
        """Whether the configuration has this prompt, so that nobody else may."""
        return (EVERYBODY, identity) in self._versions

    def version(self, tenant: str, identity: str, number: int) -> Prompt:
        """One version.

        Raises:
            NotFoundError: there is none of that number.
        """
        for prompt in self.versions(tenant, identity):
            if prompt.version == number:
                return prompt
        raise NotFoundError(f"The prompt '{identity}' has no version {number}.", param="prompt.version")

    def choose(self, tenant: str, identity: str, wanted: str, subject: str) -> Prompt:
        """The version that ``wanted`` means, a number or a label; empty: `PRODUCTION`, else the latest.

        Of a label with several versions the same ``subject`` always gets the same, as long as the weights stay.

        Raises:
            NotFoundError: there is no such prompt, version or label.
        """
        versions = self.versions(tenant, identity)
        if wanted.isascii() and wanted.isdigit():
            return self.version(tenant, identity, int(wanted[:18]))
        label = self._labels.get(self._owned(tenant, identity), {}).get(wanted or PRODUCTION)
        if label is None:
            if wanted:
                raise NotFoundError(f"The prompt '{identity}' has no label of that name.", param="prompt.version")
            return versions[-1]
        return self.version(tenant, identity, drawn(label, subject))

    def _owned(self, tenant: str, identity: str) -> tuple[str, str]:
        return (EVERYBODY if self.is_configured(identity) else tenant), identity


def drawn(label: Label, subject: str) -> int:
    """The version of ``label`` that ``subject`` gets: each as often as its weight, over many subjects."""
    seed = hashlib.sha256(f"{label.id}\0{label.name}\0{subject}".encode()).digest()
    left = int.from_bytes(seed[:8]) / _RANGE * sum(label.shares.values())
    for version in sorted(label.shares):
        left -= label.shares[version]
        if left < 0:
            return version
    return max(label.shares)
