"""Tokens of a real, certified OpenID provider: signed ones by its keys, opaque ones by its introspection."""

import base64
from collections.abc import Iterator

import aiohttp
import pytest

from forebay.accounts import Web
from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.tokens import Tokens
from forebay.settings import ClaimSettings, IntrospectionSettings, IssuerSettings, Secret
from tests.support.identity import node

AUDIENCE = "https://forebay.example"

pytestmark = pytest.mark.needs("oidc-provider")


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Where it is."""
    with node("oidc_provider.mjs", AUDIENCE) as running:
        yield running.issuer


async def token(provider: str, resource: str) -> str:
    asked = {"grant_type": "client_credentials", "resource": f"{AUDIENCE}/{resource}", "scope": "chat"}
    headers = {"authorization": f"Basic {base64.b64encode(b'app:secret').decode()}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{provider}/token", data=asked) as reply,
    ):
        text: str = (await reply.json())["access_token"]
    return text


async def test_signed_and_opaque_tokens_of_client_credentials(provider: str) -> None:
    settings = IssuerSettings(
        provider,
        (AUDIENCE,),
        jwks_uri=f"{provider}/jwks",
        introspection=IntrospectionSettings(f"{provider}/token/introspection", "app", Secret("secret")),
        types=("at+jwt",),
        claims=ClaimSettings("client_id"),
    )
    web = Web()
    tokens = Tokens([settings], web.get, web.post)
    for resource in ("jwt", "opaque"):
        found = await tokens.verify(await token(provider, resource))
        assert (found.name, found.scopes) == ("app", frozenset({"chat"}))
    with pytest.raises(InvalidTokenError, match="not active"):
        await tokens.verify("made-up")
    signed = await token(provider, "jwt")
    with pytest.raises(InvalidTokenError, match="signature"):
        await tokens.verify(f"{signed[:-8]}{'A' * 8}")
    await tokens.close()
    await web.close()


async def test_its_keys_are_found_by_its_metadata(provider: str) -> None:
    web = Web()
    tokens = Tokens([IssuerSettings(provider, (AUDIENCE,), claims=ClaimSettings("client_id"))], web.get, web.post)
    assert (await tokens.verify(await token(provider, "jwt"))).name == "app"
    await tokens.close()
    await web.close()
