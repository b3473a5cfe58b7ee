"""Where a call stands in a distributed trace, as HTTP headers say it.

Source: W3C Trace Context, level 1 (2021): ``traceparent`` is ``version-trace-span-flags``, all lower-case hexadecimal.
"""

import re
from random import Random
from typing import Final

from forebay.core.story import Place

STATE_LIMIT: Final = 512
SAMPLED: Final = 1

_PARENT: Final = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_RANDOM: Final = Random()  # noqa: S311  # ids, not secrets


def begun(traceparent: str, tracestate: str, share: float) -> Place:
    """A place of its own in the trace that the headers tell of, or in a new one.

    The ``share`` of the traces that begin here is sampled; of others whoever began them has decided.
    """
    found = _PARENT.fullmatch(traceparent) if traceparent else None
    if found is None or (found[1] == "00" and found[5]):
        return Place(f"{_RANDOM.getrandbits(128) | 1:032x}", new_span(), "", _RANDOM.random() < share)
    state = tracestate if len(tracestate) <= STATE_LIMIT and tracestate.isascii() and tracestate.isprintable() else ""
    return Place(found[2], new_span(), found[3], bool(int(found[4], 16) & SAMPLED), state)


def new_span() -> str:
    """The id of a span."""
    return f"{_RANDOM.getrandbits(64) | 1:016x}"


def headers(place: Place, span: str) -> tuple[tuple[bytes, bytes], ...]:
    """What a request says that is made in ``span`` of the trace of ``place``."""
    parent = b"traceparent", f"00-{place.trace}-{span}-{place.sampled:02x}".encode()
    return (parent, (b"tracestate", place.state.encode())) if place.state else (parent,)
