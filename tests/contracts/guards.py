"""Every implementation of the port `Guard`, for the suite that all of them must pass."""

from collections.abc import Callable

from forebay.core.ports import Guard

GUARDS: dict[str, Callable[[], Guard]] = {}
