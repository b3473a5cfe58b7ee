"""A server that takes an issuer's tokens, and says so as the standards have it."""

from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from forebay.settings import AuthSettings, IssuerSettings, Secret, Settings
from tests.api.conftest import WHOLE, Serve
from tests.support.issuing import ISSUER, Keys, claims, published, sign

RESOURCE = "https://forebay.example"
METADATA = f'resource_metadata="{RESOURCE}/.well-known/oauth-protected-resource"'
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


@pytest.fixture
async def settings(keys: Keys) -> AsyncIterator[Settings]:
    """Those of a server whose issuer publishes its keys at a real address."""
    async with published(keys) as issuer:
        yield Settings(auth=AuthSettings(issuers=(issuer,), resource=RESOURCE))


async def chat(session: aiohttp.ClientSession, url: str, token: str | None) -> tuple[int, str, str]:
    """Status, challenge and error code."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with session.post(f"{url}/v1/chat/completions", json=CHAT, headers=headers) as reply:
        body = await reply.json()
        return reply.status, reply.headers.get("www-authenticate", ""), body.get("error", {}).get("code", "")


async def test_a_good_token_is_answered_and_others_are_told_what_is_wrong(
    serve: Serve, settings: Settings, keys: Keys
) -> None:
    keys.fetched.clear()
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as session:
        for _ in range(3):
            assert (await chat(session, running.url, sign(keys.rsa, claims())))[0] == 200
        assert await chat(session, running.url, None) == (401, f"Bearer {METADATA}", "invalid_api_key")
        status, challenge, code = await chat(session, running.url, sign(keys.rsa, claims(aud="x")))
        assert (status, code) == (401, "invalid_token")
        assert challenge.startswith('Bearer error="invalid_token", error_description="')
        assert challenge.endswith(f", {METADATA}")
        status, challenge, code = await chat(session, running.url, sign(keys.rsa, claims(scope="embeddings")))
        assert (status, code) == (403, "insufficient_scope")
        assert challenge == f'Bearer error="insufficient_scope", scope="chat", {METADATA}'
    assert len(keys.fetched) == 1


async def test_an_issuer_that_is_away_is_a_503(serve: Serve, settings: Settings, keys: Keys) -> None:
    (issuer,) = settings.auth.issuers
    away = msgspec.structs.replace(issuer, jwks_uri="http://127.0.0.1:1/jwks.json")
    settings = msgspec.structs.replace(settings, auth=msgspec.structs.replace(settings.auth, issuers=(away,)))
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as session:
        assert (await chat(session, running.url, sign(keys.rsa, claims())))[0] == 503


async def test_the_document_says_whose_tokens_are_taken(serve: Serve, settings: Settings) -> None:
    own = IssuerSettings("batch-jobs", ("forebay",), algorithms=("HS256",), secret=Secret("s" * 32))
    issuers = (*settings.auth.issuers, own)
    settings = msgspec.structs.replace(settings, auth=msgspec.structs.replace(settings.auth, issuers=issuers))
    async with (
        serve(WHOLE, settings) as (running, _),
        aiohttp.ClientSession() as session,
        session.get(f"{running.url}/.well-known/oauth-protected-resource") as reply,
    ):
        document = await reply.json()
    assert (document["resource"], document["authorization_servers"]) == (RESOURCE, [ISSUER])
    assert "chat" in document["scopes_supported"]
