"""The authorization server, asked by Authlib's client, and its tokens, at every process."""

import asyncio
import base64
import contextlib
import hmac
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from forebay.auth import issued
from forebay.settings import (
    AuthorizationServerSettings,
    AuthSettings,
    IssuedKeySettings,
    KeySettings,
    LimitsSettings,
    Secret,
    Settings,
    StoreSettings,
)
from tests.api.conftest import WHOLE, Serve
from tests.support.issuing import sign, unsigned
from tests.support.redis_server import redis_server

RESOURCE = "https://forebay.example"
ADMIN = {"authorization": "Bearer operator"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
GRANT = {"grant_type": "client_credentials"}


class Place:
    """A server, and somebody who runs it."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http

    async def ask(self, method: str, path: str, token: str = "operator", body: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {token}"}
        async with self._http.request(method, self.url + path, json=body, headers=headers) as reply:
            return reply.status, await reply.json()

    async def key(self, **wish: Any) -> tuple[str, str]:
        """Id and text of a new one, as soon as it is good."""
        _, made = await self.ask("POST", "/admin/keys", body={"name": "jobs", **wish})
        await self.until(made["key"], 200)
        return made["id"], made["key"]

    async def until(self, token: str, status: int) -> None:
        async with asyncio.timeout(10):
            while (await self.ask("GET", "/v1/models", token))[0] != status:  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.02)

    async def chat(self, token: str) -> tuple[int, str]:
        status, body = await self.ask("POST", "/v1/chat/completions", token, CHAT)
        return status, body.get("error", {}).get("code", "")

    async def refused(self, token: str) -> tuple[int, str, str]:
        """Status, code and challenge."""
        headers = {"authorization": f"Bearer {token}"}
        async with self._http.get(f"{self.url}/v1/models", headers=headers) as reply:
            body = await reply.json()
            return reply.status, body["error"]["code"], reply.headers["www-authenticate"]

    async def token(self, data: Any, **headers: str) -> tuple[int, Any, Any]:
        return await self.post("/oauth/token", data, **headers)

    async def post(self, path: str, data: Any, **headers: str) -> tuple[int, Any, Any]:
        async with self._http.post(self.url + path, data=data, headers=headers) as reply:
            return reply.status, await reply.json() if reply.content_length else None, reply.headers


Open = Callable[..., contextlib.AbstractAsyncContextManager[Place]]


@pytest.fixture
def open_place(serve: Serve, tmp_path: Path) -> Open:
    """How to serve; all servers of a test share a store."""

    @contextlib.asynccontextmanager
    async def opened(algorithm: Any = "ES256", limits: LimitsSettings | None = None) -> AsyncIterator[Place]:
        auth = AuthSettings(
            (KeySettings(Secret("operator"), "operator", admin=True),),
            IssuedKeySettings(Secret("a pepper of 16 characters")),
            server=AuthorizationServerSettings(algorithm),
            resource=RESOURCE,
        )
        store = StoreSettings(Secret(f"sqlite:///{tmp_path}/forebay.db"))
        async with (
            serve(WHOLE, Settings(auth=auth, store=store, limits=limits or LimitsSettings())) as (running, _),
            aiohttp.ClientSession() as http,
        ):
            yield Place(running.url, http)

    return opened


def basic(identity: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{identity}:{secret}'.encode()).decode()}"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlibs_client_gets_a_token_that_others_can_verify(
    open_place: Open, algorithm: str, method: str
) -> None:
    async with open_place(algorithm) as place:
        identity, secret = await place.key(scopes=["chat", "embeddings"], tenant="research")
        _, document = await place.ask("GET", "/.well-known/oauth-authorization-server")
        assert document["issuer"] == RESOURCE
        assert method in document["token_endpoint_auth_methods_supported"]
        path = document["token_endpoint"].removeprefix(RESOURCE)
        async with AsyncOAuth2Client(identity, secret, token_endpoint_auth_method=method) as client:
            answer = await client.fetch_token(place.url + path, scope="chat", **GRANT)
        assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 600, "chat")
        assert await place.chat(answer["access_token"]) == (200, "")

        _, keys = await place.ask("GET", document["jwks_uri"].removeprefix(RESOURCE))
        read = jwt.decode(answer["access_token"], KeySet.import_key_set(keys), algorithms=[algorithm])
        assert read.header["typ"] == "at+jwt"
        assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= read.claims.keys()
        assert (read.claims["iss"], read.claims["aud"], read.claims["sub"]) == (RESOURCE, RESOURCE, identity)
        _, resource = await place.ask("GET", "/.well-known/oauth-protected-resource")
        assert resource["authorization_servers"] == [RESOURCE]


async def test_a_token_is_worth_what_its_key_is_on_every_process(open_place: Open) -> None:
    async with open_place() as place, open_place() as other:
        identity, secret = await place.key(scopes=["chat", "embeddings"], models=["m"])
        await other.until(secret, 200)
        _, narrow, _ = await other.token({**GRANT, "scope": "embeddings"}, authorization=basic(identity, secret))
        _, wide, _ = await place.token(GRANT, authorization=basic(identity, secret))
        assert await place.chat(narrow["access_token"]) == (403, "insufficient_scope")
        assert await other.chat(wide["access_token"]) == (200, "")
        assert (await place.ask("GET", "/admin/keys", wide["access_token"]))[0] == 403
        await place.ask("DELETE", f"/admin/keys/{identity}")
        await other.until(wide["access_token"], 401)
        assert await other.chat(wide["access_token"]) == (401, "invalid_token")
        assert (await other.token(GRANT, authorization=basic(identity, secret)))[0] == 401


async def test_a_key_that_ends_soon_gives_no_longer_token_and_admins_must_ask(open_place: Open) -> None:
    async with open_place() as place:
        identity, secret = await place.key(expires_in=120, scopes=["admin"])
        _, given, _ = await place.token(GRANT, authorization=basic(identity, secret))
        assert given["expires_in"] <= 120
        assert (await place.ask("GET", "/admin/keys", given["access_token"]))[0] == 200
        identity, secret = await place.key()
        _, given, _ = await place.token(GRANT, authorization=basic(identity, secret))
        assert "chat" in given["scope"].split()
        assert "admin" not in given["scope"].split()


async def test_errors_are_those_of_the_standard(open_place: Open) -> None:
    async with open_place() as place:
        identity, secret = await place.key(scopes=["chat"])
        good = basic(identity, secret)
        async with AsyncOAuth2Client(identity, secret) as client:
            with pytest.raises(OAuthError, match="invalid_scope"):
                await client.fetch_token(f"{place.url}/oauth/token", scope="admin", **GRANT)
        for data, header, status, code in (
            (GRANT, basic(identity, "wrong"), 401, "invalid_client"),
            (GRANT, basic("key_other", secret), 401, "invalid_client"),
            (GRANT, "Basic not base 64", 401, "invalid_client"),
            (GRANT, f"Bearer {secret}", 401, "invalid_client"),
            (GRANT, "", 401, "invalid_client"),
            ({**GRANT, "client_secret": secret}, good, 400, "invalid_request"),
            ({**GRANT, "client_id": "key_other"}, good, 400, "invalid_request"),
            ({}, good, 400, "invalid_request"),
            ({"grant_type": "password"}, good, 400, "unsupported_grant_type"),
            ({**GRANT, "resource": "https://other.example"}, good, 400, "invalid_target"),
            ([*GRANT.items(), *GRANT.items()], good, 400, "invalid_request"),
            ({**GRANT, "scope": "x" * 20_000}, good, 400, "invalid_request"),
        ):
            found, body, headers = await place.token(data, **({"authorization": header} if header else {}))
            assert (found, body["error"]) == (status, code), (data, header)
            assert secret not in body["error_description"]
            assert headers["cache-control"] == "no-store"
            assert headers.get("www-authenticate", "").startswith("Basic") is (status == 401)
        assert (await place.token(b"{}", **{"content-type": "application/json"}))[1]["error"] == "invalid_request"


async def test_secrets_cannot_be_guessed_for_long(open_place: Open) -> None:
    async with open_place() as place:
        found = [await place.token(GRANT, authorization=basic("key_1", f"fb-{number}")) for number in range(12)]
        assert [status for status, _, _ in found] == [401] * 10 + [429] * 2
        assert found[-1][1]["error"] == "temporarily_unavailable"
        assert int(found[-1][2]["retry-after"]) > 0
        identity, secret = await place.key()
        assert (await place.token(GRANT, authorization=basic(identity, secret)))[0] == 200


@pytest.mark.needs("redis")
async def test_secrets_cannot_be_guessed_at_one_process_after_the_other(open_place: Open, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        limits = LimitsSettings(Secret(server.url), timeout=5.0)
        async with open_place(limits=limits) as place, open_place(limits=limits) as other:
            guess = {"authorization": basic("key_1", "fb-wrong")}
            answers = [(await each.token(GRANT, **guess))[0] for each in (place, other) * 6]
    assert answers == [401] * 10 + [429] * 2


async def test_nobody_guesses_by_sending_no_secret(open_place: Open) -> None:
    async with open_place() as place:
        for _ in range(12):
            assert (await place.token(GRANT))[0] == 401
        assert (await place.token(GRANT, authorization=basic("key_1", "fb-1")))[0] == 401


async def test_a_new_key_is_good_at_once_on_every_process(open_place: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issued, "POLL_SECONDS", 60.0)
    async with open_place() as place, open_place() as other:
        _, made = await place.ask("POST", "/admin/keys", body={"name": "jobs"})
        assert await other.chat(made["key"]) == (200, "")
        _, made = await place.ask("POST", f"/admin/keys/{made['id']}/rotate")
        await asyncio.sleep(issued.LOOK_SECONDS)
        assert (await other.token(GRANT, authorization=basic(made["id"], made["key"])))[0] == 200


async def test_authlibs_client_takes_a_token_back_on_every_process(open_place: Open) -> None:
    async with open_place() as place, open_place() as other:
        identity, secret = await place.key()
        await other.until(secret, 200)
        _, document = await place.ask("GET", "/.well-known/oauth-authorization-server")
        assert "client_secret_basic" in document["revocation_endpoint_auth_methods_supported"]
        path = document["revocation_endpoint"].removeprefix(RESOURCE)
        async with AsyncOAuth2Client(identity, secret, token_endpoint_auth_method="client_secret_basic") as client:
            given = [await client.fetch_token(f"{place.url}/oauth/token", **GRANT) for _ in range(2)]
            first, second = (each["access_token"] for each in given)
            assert await other.chat(first) == (200, "")
            for _ in range(2):
                done = await client.revoke_token(place.url + path, token=first, token_type_hint="access_token")
                assert (done.status_code, done.content) == (200, b"")
                assert done.headers["cache-control"] == "no-store"
        assert await place.chat(first) == (401, "invalid_token")
        async with asyncio.timeout(1):
            await other.until(first, 401)
        assert "it was revoked" in (await other.refused(first))[2]
        assert await other.chat(second) == (200, "")


async def test_nobody_takes_back_what_another_client_was_given(open_place: Open) -> None:
    async with open_place() as place:
        (alice, secret), (bob, other) = await place.key(), await place.key()
        _, given, _ = await place.token(GRANT, authorization=basic(alice, secret))
        token = given["access_token"]
        for headers, form, expected in (
            ({"authorization": basic(bob, other)}, {"token": token}, (400, "unauthorized_client")),
            ({"authorization": basic(alice, other)}, {"token": token}, (401, "invalid_client")),
            ({}, {"token": token}, (401, "invalid_client")),
            ({"authorization": basic(alice, secret)}, {}, (400, "invalid_request")),
        ):
            status, told, _ = await place.post("/oauth/revoke", form, **headers)
            assert (status, told["error"]) == expected
        for nothing in ("x", token + "x", token.rpartition(".")[0], secret, "e" * 9000):
            status, _, _ = await place.post("/oauth/revoke", {"token": nothing}, authorization=basic(alice, secret))
            assert status == 200, nothing
        assert await place.chat(token) == (200, "")


async def test_tokens_that_only_look_like_ours_are_refused(open_place: Open) -> None:
    async with open_place("RS256") as place:
        identity, secret = await place.key()
        _, given, _ = await place.token(GRANT, authorization=basic(identity, secret))
        _, keys = await place.ask("GET", "/oauth/jwks")
        token = given["access_token"]
        head, body, signature = token.split(".")
        now = int(time.time())
        claims = {"iss": RESOURCE, "aud": RESOURCE, "sub": identity, "client_id": identity, "iat": now, "exp": now + 60}
        header = {"alg": "RS256", "typ": "at+jwt", "kid": keys["keys"][0]["kid"]}
        stranger = RSAKey.generate_key(2048)
        # HMAC with what everybody may know: the library would not even sign so.
        confused = {**header, "alg": "HS256"}
        signed = hmac.digest(
            RSAKey.import_key(keys["keys"][0]).as_pem(private=False),
            unsigned(confused, claims).rpartition(".")[0].encode(),
            "sha256",
        )
        others = {**claims, "iss": "https://elsewhere.example"}
        for forged in (
            sign(stranger, others, **header),
            sign(stranger, claims, **header),
            f"{head}.{body}.{sign(stranger, claims, **header).split('.')[2]}",
            f"{head}.{sign(stranger, {**claims, 'client_id': 'key_x'}).split('.')[1]}.{signature}",
            f"{head}.{body}.",
            f"{head}.{body}",
            f"{head}.",
            unsigned({**header, "alg": "none"}, claims),
            unsigned(confused, claims, signed),
            token + "x",
            token[:-1],
        ):
            status, code, challenge = await place.refused(forged)
            assert (status, code) == (401, "invalid_token"), forged
            assert challenge.startswith('Bearer error="invalid_token", error_description="it'), challenge
            assert "resource_metadata=" in challenge
        for opaque in ("opaque", "a.b.c"):
            assert (await place.refused(opaque))[1] == "invalid_api_key"
        assert (await place.chat(token))[0] == 200
