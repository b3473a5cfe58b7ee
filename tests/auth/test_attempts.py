"""How often a secret may be guessed while time passes, and that counting takes no memory for it."""

import pytest

from forebay.auth import attempts
from forebay.auth.attempts import MOST_ADDRESSES, MemoryAttempts
from forebay.core.errors import RateLimitError


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(attempts, "time", made)
    return made


async def count(tried: MemoryAttempts, *addresses: str) -> int:
    """How many are let through."""
    passed = 0
    for address in addresses:
        try:
            await tried.begin(address)
        except RateLimitError:
            continue
        passed += 1
    return passed


async def test_an_address_has_ten_and_then_one_a_minute(clock: Clock) -> None:
    tried = MemoryAttempts()
    assert await count(tried, *["10.0.0.1"] * 20) == 10
    assert await count(tried, "10.0.0.2") == 1
    with pytest.raises(RateLimitError) as caught:
        await tried.begin("10.0.0.1")
    assert caught.value.headers == {"retry-after": "60"}
    clock.now += 60
    assert await count(tried, *["10.0.0.1"] * 3) == 1


async def test_all_together_have_a_hundred(clock: Clock) -> None:
    tried = MemoryAttempts()
    assert await count(tried, *[f"10.0.{number}.1" for number in range(200)]) == 100
    clock.now += 60
    assert await count(tried, *[f"10.1.{number}.1" for number in range(200)]) == 10


async def test_memory_is_bounded(clock: Clock) -> None:
    tried = MemoryAttempts()
    for number in range(2 * MOST_ADDRESSES):
        clock.now += 6
        await tried.begin(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(tried._of) == MOST_ADDRESSES
