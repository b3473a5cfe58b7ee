"""Who holds which credential, and who is asked about it."""

import pytest

from forebay.auth.credentials import Credentials
from forebay.auth.keys import digest
from forebay.core.errors import AuthenticationError
from forebay.core.types import Principal

ALICE, BOB, CAROL = Principal("alice", "team"), Principal("bob"), Principal("carol")


async def carol(text: str) -> Principal:
    assert text == "ey.x.y"
    return CAROL


async def bob(text: str) -> Principal:
    assert text == "fb-1"
    return BOB


CREDENTIALS = Credentials({digest("sk-1"): ALICE, digest("fb-own"): ALICE}, bob, carol)


@pytest.mark.parametrize(
    ("header", "principal"),
    [
        ("Bearer sk-1", ALICE),
        ("bearer  sk-1 ", ALICE),
        ("Bearer fb-own", ALICE),
        ("Bearer fb-1", BOB),
        ("Bearer ey.x.y", CAROL),
    ],
)
async def test_a_credential_is_asked_about_where_it_is_known(header: str, principal: Principal) -> None:
    assert await CREDENTIALS.authenticate(header) is principal


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer sk-3", "Bearer fb-1", "Basic sk-1", "sk-1", "Bearer sk-1 x"]
)
async def test_anything_else_is_refused(header: str | None) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await Credentials({digest("sk-1"): ALICE}).authenticate(header)
    assert caught.value.headers["www-authenticate"].startswith("Bearer")
    assert "sk-" not in caught.value.message
