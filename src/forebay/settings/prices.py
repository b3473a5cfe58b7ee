"""What a settings file may say about prices."""

from typing import Any, Final

import msgspec

from forebay.core.money import per_token
from forebay.core.types import Price
from forebay.settings.amounts import amount_of
from forebay.settings.document import Node
from forebay.settings.reader import Reader

_EXPECTED: Final = "dollars for a million tokens: a number from 0 to 10000 with at most six decimal places"


class PerToken(int):
    """Pico-dollars for one token; in a file the dollars for a million, as vendors list them: ``2.5`` or ``"0.075"``."""

    __slots__ = ()

    @classmethod
    def from_node(cls, node: Node, reader: Reader) -> Any:  # noqa: ANN401  # or MISSING
        """The amount at ``node``."""
        return amount_of(cls, node, reader, per_token, _EXPECTED)


class PriceSettings(msgspec.Struct, frozen=True):
    """What a deployment's tokens cost.

    What came out of the provider's cache costs as much as other input, and so does what went into it, unless they have
    prices of their own; to stay there for an hour costs what it costs to be there at all, likewise.
    """

    input: PerToken
    output: PerToken
    cached_input: PerToken | None = None
    cache_write: PerToken | None = None
    long_cache_write: PerToken | None = None

    def price(self) -> Price:
        """With every kind of token in it."""
        cached = self.input if self.cached_input is None else self.cached_input
        write = self.input if self.cache_write is None else self.cache_write
        long = write if self.long_cache_write is None else self.long_cache_write
        return Price(int(self.input), int(self.output), int(cached), int(write), int(long))
