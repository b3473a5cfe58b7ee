"""What a request may cost before it is known who answers it: the price of the dearest who may."""

from typing import Final

from forebay.core.errors import ForebayError
from forebay.core.types import Call, Price, Usage
from forebay.gateway.route import Route

_FREE: Final = Price(0, 0, 0, 0, 0)


class Dearest:
    """Asks ``route`` who may answer; what a model falls back to is not looked at."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def __call__(self, call: Call, usage: Usage) -> Price | None:
        """Of the deployments of the call's model, the price by which ``usage`` costs most; ``None``: none is known."""
        if not call.request.model:
            return _FREE
        try:
            targets = self._route.find(call.request.model, call.principal)
        except ForebayError:  # the route will say so
            return _FREE
        prices = [each.deployment.price for each in targets if each.deployment.price is not None]
        return max(prices, key=lambda price: price.cost(usage, usage.completion_tokens), default=None)
