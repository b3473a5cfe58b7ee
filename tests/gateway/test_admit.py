"""Never more than the limits allow, and never less for what did not happen."""

import math
from contextlib import aclosing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import RateLimitError, UpstreamError
from forebay.core.types import MOST_TOKENS, Call, Deployment, Limits, Price, Principal, Reply, Stream, Usage, Whole
from forebay.gateway.admit import Admit, Tally
from forebay.gateway.limiting.holders import Holders
from forebay.gateway.limiting.need import estimate
from forebay.gateway.limiting.past import Past
from forebay.limits.memory import MemoryCounters
from forebay.settings import LimitsSettings
from tests.support.scripted import Piece, Scripted, call, tokens

NOON = 1_795_435_200.0
"""2026-11-23T12:00:00Z."""


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Admitting:
    """The stage over counts in memory, and these counts."""

    def __init__(self, clock: Clock, settings: LimitsSettings | None = None, price: Price | None = None) -> None:
        self.counters = MemoryCounters(clock, lambda: NOON)
        self.tally = Tally()
        holders = Holders(settings or LimitsSettings(), Past(None), lambda: NOON)
        self.stage = Admit(self.counters, holders, lambda _call, _need: price, self.tally)

    @property
    def levels(self) -> list[tuple[str, float, int]]:
        """Of every holder its name, the tokens taken, and the requests under way."""
        return [(identity, each.tokens, each.running) for (_, identity), each in self.counters._counts.items()]


def limited(limits: Limits | None, *, stream: bool = False, name: str = "alice", body: bytes = b"{}") -> Call:
    asked = call(stream=stream)
    request = msgspec.structs.replace(asked.request, body=body)
    return msgspec.structs.replace(asked, principal=Principal(name, limits=limits), request=request)


async def ask(admit: Admitting, asked: Call, script: list[Piece] | None = None, usage: Usage | None = None) -> Reply:
    provider = Scripted(script or [b"{}"], usage)

    async def handler(inner: Call) -> Reply:
        return await provider.answer(inner, Deployment("p/x", "p", "x"))

    return await admit.stage(asked, handler)


async def passes(admit: Admitting, asked: Call) -> bool:
    try:
        await ask(admit, asked)
    except RateLimitError:
        return False
    return True


async def test_so_many_requests_a_minute_and_no_more() -> None:
    clock = Clock()
    admit = Admitting(clock)
    limits = Limits(rpm=60)
    assert sum([await passes(admit, limited(limits)) for _ in range(100)]) == 60
    assert await passes(admit, limited(limits, name="bob"))
    clock.now += 2.5
    assert sum([await passes(admit, limited(limits)) for _ in range(100)]) == 2


async def test_who_has_no_limits_is_not_counted() -> None:
    admit = Admitting(Clock())
    reply = await ask(admit, limited(None))
    assert isinstance(reply, Whole)
    assert reply.headers == ()
    assert not admit.levels


async def test_a_refusal_says_when_to_come_back_and_a_reply_what_is_left() -> None:
    admit = Admitting(Clock())
    limits = Limits(rpm=2)
    reply = await ask(admit, limited(limits))
    assert dict(reply.headers) == {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "30.000s",
    }
    await ask(admit, limited(limits))
    with pytest.raises(RateLimitError, match="limit is 2 a minute") as caught:
        await ask(admit, limited(limits))
    assert caught.value.headers["retry-after"] == "30"
    assert caught.value.headers["x-ratelimit-remaining-requests"] == "0"


async def test_tokens_are_reserved_and_settled() -> None:
    admit = Admitting(Clock())
    limits = Limits(tpm=1000)
    body = b'{"max_tokens": 600}'
    reply = await ask(admit, limited(limits, body=body), usage=Usage(50, 50))
    assert dict(reply.headers)["x-ratelimit-remaining-tokens"] == "396"
    assert await ask(admit, limited(limits, body=body), usage=Usage(500, 200))
    with pytest.raises(RateLimitError, match="Too many tokens"):
        await ask(admit, limited(limits, body=body))
    with pytest.raises(RateLimitError, match="about 2005 tokens") as caught:
        await ask(admit, limited(limits, body=b'{"max_tokens": 2000}'))
    assert caught.value.code == "tokens"


async def test_more_than_was_reserved_is_paid_back_later() -> None:
    clock = Clock()
    admit = Admitting(clock)
    limits = Limits(tpm=600)
    await ask(admit, limited(limits), usage=Usage(900, 900))
    clock.now += 100
    assert not await passes(admit, limited(limits, body=b"x" * 400))
    clock.now += 40
    assert await passes(admit, limited(limits, body=b"x" * 400))


@pytest.mark.parametrize("left", [False, True])
async def test_a_stream_counts_until_its_end(left: bool) -> None:  # noqa: FBT001  # pytest's
    admit = Admitting(Clock())
    limits = Limits(parallel=1, tpm=100)
    reply = await ask(admit, limited(limits, stream=True), tokens("a", "b"), Usage(10, 2))
    assert isinstance(reply, Stream)
    with pytest.raises(RateLimitError, match="at once: the limit is 1"):
        await ask(admit, limited(limits))
    async with aclosing(reply.events) as events:
        if left:
            await anext(events)
        else:
            assert len([each async for each in events]) == 3
    assert admit.levels == [("7:default:alice", 12, 0)]
    assert await passes(admit, limited(limits))


async def test_a_failure_frees_what_it_held() -> None:
    admit = Admitting(Clock())
    limits = Limits(parallel=1, tpm=100)
    for _ in range(3):
        with pytest.raises(UpstreamError):
            await ask(admit, limited(limits, body=b'{"max_tokens": 90}'), [UpstreamError("x")])
    assert admit.levels == [("7:default:alice", 0, 0)]


async def test_other_content_types_and_headers_go_along() -> None:
    admit = Admitting(Clock())

    async def handler(_call: Call) -> Reply:
        return Whole(b"", None, (("x-ratelimit-limit-requests", "7"), ("x-other", "1")), "audio/mpeg")

    reply = await admit.stage(limited(Limits(rpm=5)), handler)
    assert reply.content_type == "audio/mpeg"
    assert dict(reply.headers)["x-ratelimit-limit-requests"] == "5"
    assert dict(reply.headers)["x-other"] == "1"


@given(limit=st.integers(1, 50), pauses=st.lists(st.floats(0, 30), max_size=120))
async def test_never_more_than_a_full_bucket_and_what_flowed_in(limit: int, pauses: list[float]) -> None:
    clock = Clock()
    admit = Admitting(clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += await passes(admit, limited(Limits(rpm=limit)))
    assert passed <= limit + math.ceil(sum(pauses) * limit / 60) + 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"x" * 400, 100),
        (b'{"max_tokens": 10}', 14),
        (b'{"max_tokens": 1, "max_completion_tokens": 20}', 31),
        (b'{"max_tokens": "many"}', 5),
        (b'{"max_tokens": -5}', 4),
        (b'{"max_tokens": 99999999999999}', 7 + MOST_TOKENS),
        (b"\xff", 0),
    ],
)
def test_an_estimate_is_made_of_anything(body: bytes, expected: int) -> None:
    assert estimate(limited(None, body=body).request).total_tokens == expected
