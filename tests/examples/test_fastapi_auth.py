"""The example does what its README says, on a real server, with an issuer that publishes its keys at a real address."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.settings import IssuerSettings
from tests.support.issuing import Keys, claims, published, sign
from tests.support.serving import serving

APP = Path(__file__).parents[2] / "examples" / "fastapi_auth" / "app.py"


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


@pytest.fixture
async def issuer(keys: Keys) -> AsyncIterator[IssuerSettings]:
    async with published(keys) as found:
        yield found


def example() -> Any:
    spec = importlib.util.spec_from_file_location("example", APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def get(session: aiohttp.ClientSession, url: str, token: str | None = None) -> tuple[int, str, Any]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with session.get(url, headers=headers) as reply:
        return reply.status, reply.headers.get("www-authenticate", ""), await reply.json()


@pytest.mark.needs("fastapi")
async def test_the_three_routes_ask_for_more_and_more(issuer: IssuerSettings, keys: Keys) -> None:
    plain, scoped = sign(keys.rsa, claims()), sign(keys.rsa, claims(scope=None, permissions=["read:messages"]))
    async with serving(example().create(issuer)) as running, aiohttp.ClientSession() as session:
        public, private, last = (f"{running.url}/api/{name}" for name in ("public", "private", "private-scoped"))
        assert (await get(session, public))[0] == 200
        assert (await get(session, private))[:2] == (401, "Bearer")
        status, _, body = await get(session, private, plain)
        assert (status, body["sub"]) == (200, "alice")
        status, challenge, _ = await get(session, last, plain)
        assert (status, challenge) == (403, 'Bearer error="insufficient_scope", scope="read:messages"')
        assert (await get(session, last, scoped))[0] == 200
        for bad in (sign(keys.rsa, claims(aud="x")), sign(keys.ec, claims(), "ES256", kid="e1"), "nonsense"):
            status, challenge, _ = await get(session, last, bad)
            assert status == 401
            assert challenge.startswith('Bearer error="invalid_token"')
