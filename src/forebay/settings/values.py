"""The kinds of value that a settings file has beyond YAML's own: sizes, durations and secrets."""

import hmac
import re
import weakref
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec

UNIT: Final = "forebay.unit"
KIB: Final = 1024

Size = Annotated[int, msgspec.Meta(ge=0, extra={UNIT: "size"})]
"""A number of bytes, in a file also with a unit: ``20MiB``."""

Duration = Annotated[float, msgspec.Meta(ge=0, extra={UNIT: "duration"})]
"""A number of seconds, in a file also with a unit: ``30s``, ``500ms``, ``1h30m``."""


class Secret:
    """A text that no log, traceback or error message shows; only `reveal` gives it."""

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        _LIVING[id(self)] = self

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return Secret, (self._text,)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)


_LIVING: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()


def living_secrets() -> Sequence[str]:
    """The texts of all secrets that there are now, for whoever takes them out of what others have written."""
    return list({secret.reveal() for secret in list(_LIVING.values())})


_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([kKMGT]?i?B)", re.ASCII)
_SIZES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": KIB,
    "MiB": KIB**2,
    "GiB": KIB**3,
    "TiB": KIB**4,
}
_DURATION = re.compile(r"(?:\d{1,12}(?:\.\d{1,9})?(?:ms|s|m|h|d) ?)+", re.ASCII)
_STEP = re.compile(r"([\d.]+)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def size(text: str) -> int | None:
    """The bytes that ``text`` means, ``None`` where it means none."""
    found = _SIZE.fullmatch(text)
    if not found or found[2] not in _SIZES:
        return None
    number, _, fraction = found[1].partition(".")
    scale: int = 10 ** len(fraction)
    return int(number + fraction) * _SIZES[found[2]] // scale


def duration(text: str) -> float | None:
    """The seconds that ``text`` means, ``None`` where it means none."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _STEP.findall(text))


class Unit(msgspec.Struct, frozen=True):
    """How a number with a unit is read, and what to call it."""

    parse: Callable[[str], float | None]
    name: str


UNITS: Final = {
    "size": Unit(size, "a size in bytes, such as 20MiB"),
    "duration": Unit(duration, "a duration, such as 30s"),
}
