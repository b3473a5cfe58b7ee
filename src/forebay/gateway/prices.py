"""What the tokens of a deployment cost: as its vendor lists them, unless the configuration says otherwise.

What runs on machines of one's own costs nothing a token. Whatever else nobody has told a price of has none. It is
unknown then, and so is the cost of every call there.
"""

import functools
import re
from collections.abc import Mapping, Set
from importlib import resources
from typing import Final

import msgspec

from forebay.core.money import per_token
from forebay.core.types import Deployment, Price, Trace
from forebay.settings import PerToken, PriceSettings

_PROMPT_SHARE = 3

FREE: Final = Price(0, 0, 0, 0, 0)

_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})")


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model of the price list: dollars for a million tokens, and the page that says so.

    ``dated`` says that the model's name with a date behind it is the same model at the same price; ``alias`` that the
    name has no model of its own: the vendor points it at one with a date, and may point it at another one.
    """

    input: str
    output: str
    source: str
    cached_input: str | None = None
    cache_write: str | None = None
    long_cache_write: str | None = None
    dated: bool = False
    alias: bool = False

    def price(self) -> Price:
        """In Forebay's terms.

        Raises:
            ValueError: something in it is no price.
        """
        others = (self.cached_input, self.cache_write, self.long_cache_write)
        settings = PriceSettings(
            _exact(self.input), _exact(self.output), *[None if each is None else _exact(each) for each in others]
        )
        return settings.price()


class PriceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The prices that come with Forebay, as they were on ``date`` (ISO 8601): by vendor, then model."""

    date: str
    vendors: Mapping[str, Mapping[str, Row]]


@functools.cache
def price_list() -> PriceList:
    """The list in ``data/prices.json``."""
    data = (resources.files("forebay") / "data" / "prices.json").read_bytes()
    return msgspec.json.decode(data, type=PriceList)


class Prices:
    """The prices of one configuration: ``told`` by it, by ``provider/model``; otherwise those of each one's vendor.

    ``vendors`` are by the provider's name; a provider that is not in it is billed by nobody whose prices are known,
    and one of ``own`` by nobody at all.
    """

    def __init__(
        self,
        told: Mapping[str, PriceSettings] = {},
        vendors: Mapping[str, str] = {},
        own: Set[str] = frozenset(),
    ) -> None:
        self._told = {name: each.price() for name, each in told.items()}
        self._vendors = vendors
        self._own = own

    def of(self, provider: str, model: str) -> Price | None:
        """The price of a token of ``model`` at ``provider``, ``None`` if it is not known."""
        told = self._told.get(f"{provider}/{model}") or self._told.get(f"{provider}/*")
        return told or (FREE if provider in self._own else self._listed(provider, model))

    def _listed(self, provider: str, model: str) -> Price | None:
        rows = price_list().vendors.get(self._vendors.get(provider, ""), {})
        row = rows.get(model)
        if row is None and (dated := _DATE.search(model)) and dated.end() == len(model):
            row = rows.get(model[: dated.start()])
            row = row if row is not None and row.dated else None
        return None if row is None else row.price()


def cost(trace: Trace, completion_tokens: int) -> int | None:
    """What a call has cost, in pico-dollars: what its usage says, and what was lost on others; ``None``: not known.

    ``completion_tokens`` is how many there are of them, which a stream that was cut off has not said. Who was never
    asked took no money, and what is free costs nothing, however many tokens there were.
    """
    if not trace.deployment:
        return 0
    price, usage, lost = trace.price, trace.usage, trace.lost_cost
    if price == FREE:
        return lost
    if price is None or usage is None or lost is None:
        return None
    return price.cost(usage, completion_tokens) + lost


def blended(deployment: Deployment) -> float | None:
    """One figure to compare deployments by: of four tokens, three are of the prompt, as price comparisons have it."""
    price = deployment.price
    return None if price is None else (_PROMPT_SHARE * price.input + price.output) / (_PROMPT_SHARE + 1)


def _exact(text: str) -> PerToken:
    amount = per_token(text)
    if amount is None:
        raise ValueError(f"'{text}' is no price")
    return PerToken(amount)
