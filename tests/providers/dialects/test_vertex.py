"""Vertex's tokens, fetched by Google's own library from a token endpoint on a real socket."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forebay.core.errors import UpstreamError
from forebay.providers.dialects.vertex import GoogleCredentials, VertexDialect, VertexSettings
from forebay.settings import Secret
from tests.support.dialects import call
from tests.support.faulty import upstream, whole
from tests.support.schemas import check


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def service_account(folder: Path, key: str, token_uri: str) -> str:
    account: dict[str, Any] = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k",
        "private_key": key,
        "client_email": "forebay@p.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }
    path = folder / "account.json"
    path.write_text(json.dumps(account))
    return str(path)


async def test_a_service_account_gets_a_token_once(tmp_path: Path, private_key: str) -> None:
    reply = whole(json.dumps({"access_token": "ya29.x", "expires_in": 3600, "token_type": "Bearer"}).encode())
    async with upstream([reply, b"connection: close"]) as up:
        credentials = GoogleCredentials("v", service_account(tmp_path, private_key, up.url + "/token"))
        found = await asyncio.gather(*(credentials.headers(b"/x", b"") for _ in range(5)))
        assert found == [[(b"authorization", b"Bearer ya29.x")]] * 5
        assert len(up.requests) == 1
        assert b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer" in up.requests[0]
        await credentials.close()


async def test_credentials_that_google_refuses(tmp_path: Path, private_key: str) -> None:
    async with upstream([whole(b'{"error": "invalid_grant"}', 400), b"connection: close"]) as up:
        credentials = GoogleCredentials("v", service_account(tmp_path, private_key, up.url + "/token"))
        with pytest.raises(UpstreamError, match="no valid credentials") as caught:
            await credentials.headers(b"/x", b"")
    assert "invalid_grant" not in caught.value.message


@pytest.mark.parametrize("text", [None, "", "{}", '{"type": "service_account"}'])
async def test_a_file_that_holds_none(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "account.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UpstreamError):
        await GoogleCredentials("v", str(path)).headers(b"/x", b"")


@pytest.mark.parametrize("stream", [False, True])
def test_claude_speaks_as_at_home_but_for_two_fields(stream: bool) -> None:  # noqa: FBT001
    dialect = VertexDialect(VertexSettings(project="p", location="us-east5"))
    exchange = dialect.chat(call(stream=stream), "claude-sonnet-4-5@20250929")
    place = "/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929"
    assert exchange.path.decode() == place + (":streamRawPredict" if stream else ":rawPredict")
    body = json.loads(exchange.body)
    assert body.pop("anthropic_version") == "vertex-2023-10-16"
    check("CreateMessageParams", {**body, "model": "x"}, "anthropic")
    assert "model" not in body


def test_what_is_not_installed_is_told_when_the_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(ValueError, match=r"forebay\[vertex\]"):
        VertexSettings(project="p")
    assert VertexSettings(project="p", access_token=Secret("x")).project == "p"


@pytest.mark.parametrize(
    "options", [{"project": "a/b"}, {"project": "p", "location": "../x"}, {"location": "us-east5"}]
)
def test_settings_that_are_wrong(options: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**options}, VertexSettings)
