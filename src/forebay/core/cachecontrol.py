"""What a caller wishes of the cache, in the header ``Cache-Control`` or the body's field ``cache``.

Source: RFC 9111, section 5.2.1 "Request Directives"; the body's field is LiteLLM's, with more in it.
"""

from typing import Annotated, Final, Literal

import msgspec

from forebay.core.errors import InvalidRequestError

Seconds = Annotated[float, msgspec.Meta(ge=0)]

HEADER: Final = "cache-control"


class CacheControl(msgspec.Struct, frozen=True, gc=False, rename="kebab", forbid_unknown_fields=True):
    """Wishes: ``max_age`` (or ``s_maxage``) is how old an entry may be, ``ttl`` how long the answer is kept (seconds).

    ``no_cache`` asks for a fresh answer, which is stored; ``no_store`` stores nothing. ``only_if_cached`` would rather
    have an error than ask a model. ``mode`` keeps to a part of the cache, ``threshold`` is the least similarity of a
    semantic hit; neither allows what the configuration does not.
    """

    ttl: Seconds | None = None
    max_age: Seconds | None = None
    s_maxage: Seconds | None = msgspec.field(default=None, name="s-maxage")
    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    namespace: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    mode: Literal["off", "exact", "semantic"] | None = None
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None

    @property
    def oldest(self) -> float | None:
        """How old an entry may be, in seconds."""
        ages = [age for age in (self.max_age, self.s_maxage) if age is not None]
        return min(ages, default=None)


NO_WISHES: Final = CacheControl()

_FLAGS: Final = {"no-cache": "no_cache", "no-store": "no_store", "only-if-cached": "only_if_cached"}
_AGES: Final = {"max-age": "max_age", "s-maxage": "s_maxage"}


def with_header(wishes: CacheControl, header: str) -> CacheControl:
    """``wishes`` and those of a ``Cache-Control`` header; directives that mean nothing here are passed over.

    Raises:
        InvalidRequestError: an age in it is no number of seconds.
    """
    if not header:
        return wishes
    changes: dict[str, bool | float] = {}
    for each in header.split(","):
        name, _, value = each.strip().partition("=")
        name = name.strip().lower()
        if name in _FLAGS:
            changes[_FLAGS[name]] = True
        elif name in _AGES:
            changes[_AGES[name]] = _seconds(name, value.strip().strip('"'))
    return msgspec.structs.replace(wishes, **changes) if changes else wishes


def afresh(header: str) -> str:
    """A ``Cache-Control`` header that wishes what ``header`` does, and a fresh answer."""
    return f"{header}, no-cache" if header else "no-cache"


def _seconds(name: str, text: str) -> float:
    if not (text.isascii() and text.isdecimal()):
        raise InvalidRequestError(
            f"Invalid value for '{name}' in the header 'Cache-Control': expected seconds, such as {name}=60.",
            param=HEADER,
        )
    return float(text[:12])
