"""What every way to authenticate shares."""

from forebay.auth.keys import ANONYMOUS, Anonymous


async def test_without_keys_everybody_is_anonymous() -> None:
    assert await Anonymous().authenticate("Bearer whatever") is ANONYMOUS
