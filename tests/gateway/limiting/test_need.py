"""What a call took, at whatever end it had."""

import msgspec
import pytest

from forebay.core.limits import Amount
from forebay.core.types import Call, Operation, Price, Trace, Usage
from forebay.gateway.limiting.need import MOST_COST, estimate, estimated, used
from tests.support.scripted import call

PRICE = Price(2, 5, 1, 3, 4)
RESERVED = Usage(100, 50)


def ended(**trace: object) -> Call:
    return msgspec.structs.replace(call(), trace=msgspec.convert({"accepted": 0.0, **trace}, Trace))


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ({"deployment": "p/m", "usage": Usage(10, 4), "price": PRICE}, Amount(14, 40)),
        ({"deployment": "p/m", "usage": Usage(10, 4), "price": PRICE, "lost_cost": 7}, Amount(14, 47)),
        ({"deployment": "p/m", "usage": Usage(10, 4)}, Amount(14, 0)),
        ({}, Amount()),
        ({"deployment": "p/m", "price": PRICE}, Amount()),
        ({"deployment": "p/m", "price": PRICE, "chunks": 3}, Amount(3, 215)),
        ({"deployment": "p/m", "price": PRICE, "chunks": 3, "usage": Usage(-5, 10**12)}, Amount(3, 215)),
        ({"deployment": "cache", "usage": Usage(10, 4), "price": PRICE, "cache": "hit"}, Amount()),
        ({"deployment": "cache", "usage": Usage(10, 4), "price": PRICE, "cache": "semantic-hit"}, Amount()),
        ({"deployment": "p/m", "usage": Usage(10, 4), "price": PRICE, "cache": "miss"}, Amount(14, 40)),
    ],
)
def test_it_is_what_was_asked_for_and_answered(trace: dict[str, object], expected: Amount) -> None:
    assert used(ended(**trace), RESERVED) == expected


def test_counting_tokens_and_keeping_files_take_none() -> None:
    for operation in (Operation.COUNT, Operation.FILES, Operation.BATCHES):
        request = msgspec.structs.replace(call().request, operation=operation, body=400 * b"x")
        assert estimate(request) == Usage()


def test_no_cost_is_too_large_to_be_counted() -> None:
    dear = Price(10**13, 10**13, 0, 0, 0)
    assert estimated(Usage(10**9, 10**9), dear) == Amount(2 * 10**9, MOST_COST)
