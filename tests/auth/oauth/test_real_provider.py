"""Tokens of a real, certified OpenID provider: signed ones by its keys, opaque ones by its introspection."""

import asyncio
import base64
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from forebay.accounts import Web
from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.tokens import Tokens
from forebay.settings import ClaimSettings, IntrospectionSettings, IssuerSettings, Secret

ROOT = Path(__file__).parents[3]
MODULES = ROOT / ".node" / "node_modules"
AUDIENCE = "https://forebay.example"

pytestmark = pytest.mark.needs("oidc-provider")


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    """Where it is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = ROOT / "tests" / "support" / "oidc_provider.mjs"
    process = await asyncio.create_subprocess_exec(
        *("node", str(script), str(MODULES), str(port), AUDIENCE), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while b"listening" not in await process.stdout.readline():
            pass
    yield f"http://127.0.0.1:{port}"
    process.kill()
    await process.communicate()


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
