"""An issuer of tokens: its keys, honest tokens, and any other."""

import base64
import contextlib
import time
import warnings
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from forebay.core.errors import UnavailableError
from forebay.settings import IssuerSettings

ISSUER = "https://issuer.example/"
AUDIENCE = "https://forebay.example"
JWKS = "https://issuer.example/jwks.json"


@contextlib.asynccontextmanager
async def published(keys: "Keys") -> AsyncIterator[IssuerSettings]:
    """The issuer as settings have it, while it publishes ``keys`` at a real address."""

    async def publish(_request: web.Request) -> web.Response:
        return web.Response(body=await keys.fetch(""))

    application = web.Application()
    application.router.add_get("/jwks.json", publish)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield IssuerSettings(ISSUER, (AUDIENCE,), jwks_uri=f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json")
    finally:
        await runner.cleanup()


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a good token; ``None`` leaves one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 600, "scope": "chat embeddings"}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def sign(key: Any, body: Any, algorithm: str = "RS256", **header: Any) -> str:
    """``body`` under any header, signed for real."""
    protected = {"alg": algorithm, "typ": "JWT", "kid": "k1", **header}
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    with warnings.catch_warnings(action="ignore"):  # about EdDSA's name
        return jws.serialize_compact(
            {k: v for k, v in protected.items() if v is not None}, data, key, registry=registry
        )


def unsigned(header: dict[str, Any], body: Any, signature: bytes = b"") -> str:
    """A token that no library would make."""
    parts = (msgspec.json.encode(header), msgspec.json.encode(body), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


class Keys:
    """What an issuer signs with, and the document in which it says so; ``fetch`` counts."""

    def __init__(self) -> None:
        self.rsa = RSAKey.generate_key(2048)
        self.ec = ECKey.generate_key("P-256")
        self.okp = OKPKey.generate_key("Ed25519")
        self.secret = OctKey.import_key(b"s" * 32)
        self.published: list[dict[str, Any]] = [
            {**self.rsa.as_dict(private=False), "kid": "k1", "use": "sig"},
            {**self.ec.as_dict(private=False), "kid": "e1"},
            {**self.okp.as_dict(private=False), "kid": "o1"},
        ]
        self.fetched: list[str] = []
        self.away = False

    async def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.away:
            raise UnavailableError("away")
        return msgspec.json.encode({"keys": self.published})
