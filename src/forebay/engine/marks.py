"""Whether an answer is marked, and with what: between a request, the model's settings and the watermark at hand."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from forebay.core.errors import UnsupportedParameterError
from forebay.core.marking import Marker, Watermark
from forebay.core.marks import HEADER


class Mark(NamedTuple):
    """What makes markers for the choices of one answer, and the headers that tell of it."""

    make: Callable[[], Marker] | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Marks:
    """The watermark of a model, which may be exchanged while it runs; ``default``: for requests that do not say."""

    def __init__(self, default: bool = True) -> None:  # noqa: FBT001, FBT002  # a setting
        self.watermark: Watermark | None = None
        self._default = default

    def wanted(self, asked: bool | None, vocabulary: int) -> Mark:  # noqa: FBT001  # a field of a request
        """How to mark an answer of a model that knows so many tokens, where the request ``asked`` for it or not.

        Raises:
            UnsupportedParameterError: it did, and there is no watermark.
        """
        watermark = self.watermark
        if watermark is None:
            if asked:
                raise UnsupportedParameterError(
                    "This model has no watermark: configure 'watermark' at its provider, or leave the field out.",
                    param="watermark",
                )
            return Mark()
        if not (self._default if asked is None else asked):
            return Mark()
        return Mark(partial(watermark.marker, vocabulary), ((HEADER, watermark.key),))
