"""Where an issuer's keys are, by its own word, which must be about itself."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from forebay.auth.oauth.discovery import addresses, read
from forebay.auth.oauth.tokens import Tokens
from forebay.core.errors import UnavailableError
from forebay.core.types import Principal
from forebay.settings import IntrospectionSettings, IssuerSettings, Secret
from tests.support.issuing import AUDIENCE, ISSUER, JWKS, Keys, claims, sign

OPENID, OAUTH = addresses(ISSUER)
DOCUMENT = {"issuer": ISSUER, "jwks_uri": JWKS}


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


async def post(url: str, _headers: Mapping[str, str], _body: bytes) -> bytes:
    raise AssertionError(url)


class Site:
    """What an issuer publishes, and what was asked of it."""

    def __init__(self, keys: Keys, pages: Mapping[str, Any]) -> None:
        self._keys = keys
        self._pages = pages
        self.asked: list[str] = []

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        if url == JWKS:
            return await self._keys.fetch(url)
        if url not in self._pages:
            raise UnavailableError("An issuer of tokens answered with status 404.")
        return msgspec.json.encode(self._pages[url])


SETTINGS = IssuerSettings(ISSUER, (AUDIENCE,))


async def verified(site: Site, keys: Keys, times: int = 1, settings: IssuerSettings = SETTINGS) -> list[Principal]:
    tokens = Tokens([settings], site.get, post)
    try:
        return [await tokens.verify(sign(keys.rsa, claims(jti=str(number)))) for number in range(times)]
    finally:
        await tokens.close()


@pytest.mark.parametrize("place", [OPENID, OAUTH])
async def test_keys_are_found_by_either_document_and_fetched_once(keys: Keys, place: str) -> None:
    site = Site(keys, {place: DOCUMENT})
    found = await verified(site, keys, 3)
    assert [each.name for each in found] == ["alice"] * 3
    assert site.asked == ([OPENID, JWKS] if place == OPENID else [OPENID, OAUTH, JWKS])


async def test_the_keys_of_an_issuer_that_can_be_asked_about_tokens_are_found_too(keys: Keys) -> None:
    asked = IntrospectionSettings("https://issuer.example/introspect", "forebay", Secret("a secret"))
    settings = msgspec.structs.replace(SETTINGS, introspection=asked)
    (found,) = await verified(Site(keys, {OPENID: DOCUMENT}), keys, settings=settings)
    assert found.name == "alice"


@pytest.mark.parametrize(
    "wrong",
    [
        {**DOCUMENT, "issuer": "https://other.example/"},
        {**DOCUMENT, "issuer": ISSUER.rstrip("/")},
        {**DOCUMENT, "jwks_uri": "http://issuer.example/jwks.json"},
        {**DOCUMENT, "jwks_uri": "file:///etc/passwd"},
        {**DOCUMENT, "token_endpoint": "http://169.254.169.254/"},
        {"issuer": ISSUER},
        {"issuer": 7},
        [],
    ],
)
async def test_a_document_of_somebody_else_or_with_an_unsafe_address_is_of_no_use(keys: Keys, wrong: Any) -> None:
    site = Site(keys, {OPENID: wrong})
    with pytest.raises(UnavailableError):
        await verified(site, keys)
    assert JWKS not in site.asked


def test_the_documents_are_where_their_standards_put_them() -> None:
    assert addresses("https://a.example/tenant/v2/") == (
        "https://a.example/tenant/v2/.well-known/openid-configuration",
        "https://a.example/.well-known/oauth-authorization-server/tenant/v2",
    )


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"issuer": 1}'])
def test_what_is_no_document_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="no metadata"):
        read(body, ISSUER)
