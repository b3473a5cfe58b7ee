"""Every implementation of the port `Guard`, for the suite that all of them must pass."""

from collections.abc import Callable

from forebay.core.ports import Guard
from forebay.core.verdicts import Action, Context, Span, Verdict
from forebay.guards import Judged
from tests.support.guards import Lengths, Words


def _shouting(text: str, context: Context) -> Verdict:  # noqa: ARG001  # a guard's signature
    spans = tuple(Span(at, at + 1, "shout") for at, character in enumerate(text) if character == "!")
    return Verdict(Action.FLAG if spans else Action.PASS, spans)


GUARDS: dict[str, Callable[[], Guard]] = {
    "words": lambda: Words(["secret", "ban"]),
    "lengths": lambda: Lengths(50),
    "function": lambda: Judged(_shouting, lookbehind=0, at_once=100),
}
