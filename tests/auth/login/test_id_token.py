"""ID tokens that no honest provider makes."""

import hmac
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from forebay.auth.login.errors import LoginError
from forebay.auth.login.flow import Flow
from forebay.auth.login.id_token import IdTokens
from forebay.auth.oauth.jwks import KeySet
from forebay.settings import LoginProviderSettings
from tests.support.issuing import ISSUER, JWKS, Keys, claims, sign, unsigned

CLIENT = "web"


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


async def where() -> str:
    return JWKS


def id_claims(flow: Flow, **changed: Any) -> dict[str, Any]:
    return claims(aud=CLIENT, nonce=flow.nonce, scope=None, **changed)


async def read(keys: Keys, flow: Flow, text: str, *algorithms: Any) -> Any:
    known = KeySet(where, keys.fetch)
    settings = LoginProviderSettings(ISSUER, CLIENT, algorithms=algorithms or ("RS256",))
    return await IdTokens(settings, known).claims(text, flow)


async def test_an_honest_one_is_believed(keys: Keys) -> None:
    flow = Flow.begin("/")
    assert (await read(keys, flow, sign(keys.rsa, id_claims(flow))))["sub"] == "alice"
    two = id_claims(flow, azp=CLIENT)
    two["aud"] = [CLIENT, "other"]
    assert await read(keys, flow, sign(keys.rsa, two))
    assert await read(keys, flow, sign(keys.ec, id_claims(flow), "ES256", kid="e1"), "RS256", "ES256")


async def test_forgeries_are_refused(keys: Keys) -> None:
    flow = Flow.begin("/")
    good = id_claims(flow)
    header = {"alg": "HS256", "typ": "JWT", "kid": "k1"}
    public = keys.rsa.as_pem(private=False)
    confused = hmac.digest(public, unsigned(header, good).rpartition(".")[0].encode(), "sha256")
    honest = sign(keys.rsa, good)
    for forged in (
        unsigned({"alg": "none"}, good),
        unsigned(header, good, confused),
        sign(RSAKey.generate_key(2048), good),
        sign(ECKey.generate_key("P-256"), good, "ES256", kid="e1"),
        sign(keys.ec, good, "ES256", kid="e1"),
        sign(keys.rsa, good, jwk=keys.rsa.as_dict(private=False)),
        sign(keys.rsa, good, jku="https://evil.example"),
        honest[:-8] + "AAAAAAAA",
        honest.rpartition(".")[0] + ".",
        sign(keys.rsa, {**good, "exp": 10**400}),
        "",
        "x" * 10_000,
        "a.b.c",
    ):
        with pytest.raises(LoginError) as caught:
            await read(keys, flow, forged)
        assert caught.value.code == "invalid_id_token"
        assert not forged or forged not in caught.value.message
