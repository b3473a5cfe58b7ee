"""Who holds which key."""

import pytest

from forebay.auth.keys import ANONYMOUS, Anonymous, Keys
from forebay.core.errors import AuthenticationError
from forebay.core.types import Principal

ALICE = Principal("alice", "team")


async def test_a_known_key_is_its_principal() -> None:
    keys = Keys.of([("sk-1", ALICE), ("sk-2", Principal("bob"))])
    assert await keys.authenticate("Bearer sk-1") is ALICE
    assert await keys.authenticate("bearer  sk-1 ") is ALICE


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer sk-3", "Basic sk-1", "sk-1", "Bearer sk-1 x"]
)
async def test_anything_else_is_refused(header: str | None) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await Keys.of([("sk-1", ALICE)]).authenticate(header)
    assert caught.value.headers["www-authenticate"].startswith("Bearer")
    assert "sk-" not in caught.value.message


async def test_without_keys_everybody_is_anonymous() -> None:
    assert await Anonymous().authenticate("Bearer whatever") is ANONYMOUS
