"""Which models their vendors have given an end, as the page that is named with each has announced it."""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources

import msgspec


class Deprecation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The day after which a model does not answer (ISO 8601), and the page that says so."""

    ends: str
    source: str

    def ended(self, now: float) -> bool:
        """Whether that day has come at ``now``, in seconds since the epoch."""
        return datetime.fromisoformat(self.ends).replace(tzinfo=UTC).timestamp() <= now


class DeprecationList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The announcements known on ``date``: by vendor, then model."""

    date: str
    vendors: Mapping[str, Mapping[str, Deprecation]]


@functools.cache
def deprecation_list() -> DeprecationList:
    """The list in ``data/deprecations.json``."""
    data = (resources.files("forebay") / "data" / "deprecations.json").read_bytes()
    return msgspec.json.decode(data, type=DeprecationList)


def deprecation(vendor: str, model: str) -> Deprecation | None:
    """What was announced about ``model``, if anything."""
    return deprecation_list().vendors.get(vendor, {}).get(model)
