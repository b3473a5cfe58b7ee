"""Every known way to make a token that should not be believed, each refused; and the honest ones, believed."""

import base64
import hmac
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.token import take_apart
from forebay.auth.oauth.tokens import Tokens
from forebay.core.types import Limits, Principal
from forebay.settings import ClaimSettings, IssuerSettings, Secret
from tests.support.issuing import AUDIENCE, ISSUER, JWKS, Keys, claims, sign, unsigned

KEYS = Keys()
OTHER = RSAKey.generate_key(2048)
with warnings.catch_warnings(action="ignore"):
    WEAK = RSAKey.generate_key(1024)
SETTINGS = IssuerSettings(
    ISSUER, (AUDIENCE,), ("RS256", "ES256", "EdDSA", "HS256"), jwks_uri=JWKS, secret=Secret("s" * 32)
)
ONLY_RS256 = msgspec.structs.replace(SETTINGS, algorithms=("RS256",), secret=None)


async def nothing(_url: str, _headers: Mapping[str, str], _body: bytes) -> bytes:
    raise AssertionError


def tokens(settings: IssuerSettings = SETTINGS, keys: Keys = KEYS) -> Tokens:
    return Tokens([settings], keys.fetch, nothing)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sign(KEYS.rsa, claims()),
        lambda: sign(KEYS.rsa, claims(aud=["x", AUDIENCE]), typ="at+jwt"),
        lambda: sign(KEYS.rsa, claims(), typ="application/at+jwt"),
        lambda: sign(KEYS.rsa, claims(), typ=None, kid=None),
        lambda: sign(KEYS.ec, claims(), "ES256", kid="e1"),
        lambda: sign(KEYS.okp, claims(), "EdDSA", kid="o1"),
        lambda: sign(KEYS.secret, claims(), "HS256", kid=None),
        lambda: sign(KEYS.rsa, claims(exp=time.time() - 20)),
        lambda: sign(KEYS.rsa, claims(nbf=time.time() + 20)),
        lambda: sign(KEYS.rsa, claims(), x5t="a"),
    ],
)
async def test_an_honest_token_is_believed(make: Callable[[], str]) -> None:
    found = await tokens().verify(make())
    assert found == Principal("alice", scopes=frozenset({"chat", "embeddings"}))


def public_key_as_secret() -> str:
    """HS256 with the RSA public key as its secret: what a verifier that goes by the header's algorithm believes."""
    signed = unsigned({"alg": "HS256", "typ": "JWT", "kid": "k1"}, claims()).rpartition(".")[0]
    code = hmac.digest(KEYS.rsa.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: unsigned({"alg": "none", "typ": "JWT"}, claims()), "algorithm"),
    "alg None": (lambda: unsigned({"alg": "None", "typ": "JWT"}, claims()), "algorithm"),
    "no alg": (lambda: unsigned({"typ": "JWT"}, claims()), "'alg'"),
    "public key as secret": (public_key_as_secret, "signature"),
    "an algorithm that is not allowed": (lambda: sign(KEYS.rsa, claims(), "RS512"), "algorithm"),
    "a key of another type": (lambda: sign(KEYS.ec, claims(), "ES256", kid="k1"), "unknown key"),
    "embedded jwk": (lambda: sign(OTHER, claims(), jwk=OTHER.as_dict(private=False)), "'jwk'"),
    "jku": (lambda: sign(OTHER, claims(), jku="https://evil.example/jwks"), "'jku'"),
    "x5u": (lambda: sign(OTHER, claims(), x5u="https://evil.example/cert"), "'x5u'"),
    "x5c": (lambda: sign(OTHER, claims(), x5c=["MIIB"]), "'x5c'"),
    "kid path traversal": (lambda: sign(OTHER, claims(), kid="../../../../dev/null"), "unknown key"),
    "kid injection": (lambda: sign(OTHER, claims(), kid="' OR 1=1 --"), "unknown key"),
    "kid that is no string": (lambda: unsigned({"alg": "RS256", "kid": ["k1"]}, claims()), "'kid'"),
    "kid too long": (lambda: sign(OTHER, claims(), kid="k" * 1000), "'kid'"),
    "unknown crit": (lambda: unsigned({"alg": "RS256", "kid": "k1", "crit": ["x"], "x": 1}, claims()), "'crit'"),
    "unencoded payload": (lambda: unsigned({"alg": "RS256", "kid": "k1", "b64": False}, claims()), "'b64'"),
    "somebody else's key": (lambda: sign(OTHER, claims()), "signature"),
    "no signature": (lambda: sign(KEYS.rsa, claims()).rpartition(".")[0] + ".", "signature"),
    "changed claims": (
        lambda: unsigned({"alg": "RS256", "kid": "k1"}, claims(sub="root"), b"x" * 256),
        "signature",
    ),
    "wrong aud": (lambda: sign(KEYS.rsa, claims(aud="https://other.example")), "audience"),
    "missing aud": (lambda: sign(KEYS.rsa, claims(aud=None)), "audience"),
    "aud that is no name": (lambda: sign(KEYS.rsa, claims(aud={AUDIENCE: 1})), "audience"),
    "wrong iss": (lambda: sign(KEYS.rsa, claims(iss="https://evil.example/")), "issuer"),
    "iss without its slash": (lambda: sign(KEYS.rsa, claims(iss=ISSUER.rstrip("/"))), "issuer"),
    "missing iss": (lambda: sign(KEYS.rsa, claims(iss=None)), "issuer"),
    "missing exp": (lambda: sign(KEYS.rsa, claims(exp=None)), "'exp'"),
    "expired": (lambda: sign(KEYS.rsa, claims(exp=time.time() - 60)), "expired"),
    "nbf in the future": (lambda: sign(KEYS.rsa, claims(nbf=time.time() + 300)), "not valid yet"),
    "iat in the future": (lambda: sign(KEYS.rsa, claims(iat=time.time() + 300)), "not valid yet"),
    "lifetime over a day": (lambda: sign(KEYS.rsa, claims(exp=time.time() + 90_000)), "too long"),
    "lifetime over a day in all": (
        lambda: sign(KEYS.rsa, claims(iat=time.time() - 80_000, exp=time.time() + 9000)),
        "too long",
    ),
    "exp = 10**400": (
        lambda: sign(
            KEYS.rsa,
            (b'{"iss":"%s","aud":"%s","sub":"a","exp":1' % (ISSUER.encode(), AUDIENCE.encode())) + b"0" * 400 + b"}",
        ),
        "refused",
    ),
    "exp as a string": (lambda: sign(KEYS.rsa, claims(exp="9999999999")), "'exp'"),
    "exp as true": (lambda: sign(KEYS.rsa, claims(exp=True)), "'exp'"),
    "an ID token": (lambda: sign(KEYS.rsa, claims(nonce="n")), "ID token"),
    "an ID token of Keycloak's": (lambda: sign(KEYS.rsa, claims(typ="ID")), "ID token"),
    "an ID token of Cognito's": (lambda: sign(KEYS.rsa, claims(token_use="id")), "ID token"),
    "another typ": (lambda: sign(KEYS.rsa, claims(), typ="logout+jwt"), "type"),
    "over 8 KiB": (lambda: sign(KEYS.rsa, claims(padding="x" * 9000)), "too long"),
    "1 MB": (lambda: "ey" + "." * 2 + "x" * 10**6, "too long"),
    "a token within a token": (lambda: sign(KEYS.rsa, claims(), cty="JWT"), "within"),
    "claims that are no object": (lambda: sign(KEYS.rsa, b"[]"), "read"),
    "deeply nested claims": (lambda: sign(KEYS.rsa, b"[" * 2000 + b"]" * 2000), "read"),
    "no sub": (lambda: sign(KEYS.rsa, claims(sub=None)), "has no"),
    "a sub with a line break": (lambda: sign(KEYS.rsa, claims(sub="a\r\nx: y")), "no name"),
    "encrypted": (lambda: "ey.a.b.c.d", "no token"),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_refused(attack: str) -> None:
    make, told = ATTACKS[attack]
    with pytest.raises(InvalidTokenError, match=told) as caught:
        await tokens().verify(make())
    assert caught.value.code == "invalid_token"
    assert caught.value.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="')


async def test_where_no_secret_is_configured_hs256_is_refused_before_any_key() -> None:
    with pytest.raises(InvalidTokenError, match="algorithm"):
        await tokens(ONLY_RS256).verify(public_key_as_secret())


@pytest.mark.parametrize(
    "published",
    [
        {**WEAK.as_dict(private=False), "kid": "k1"},
        {**OTHER.as_dict(private=True), "kid": "k1"},
        {**OTHER.as_dict(private=False), "kid": "k1", "use": "enc"},
        {**OTHER.as_dict(private=False), "kid": "k1", "alg": "RS512"},
        {"kty": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).decode(), "kid": "k1"},
        {"kty": "RSA", "n": "AQAB", "kid": "k1"},
        {"kty": ["RSA"]},
    ],
)
async def test_a_key_that_is_weak_secret_or_not_for_this_is_not_used(published: dict[str, Any]) -> None:
    keys = Keys()
    keys.published = [published]
    signer = WEAK if published.get("n") == WEAK.as_dict(private=False)["n"] else OTHER
    with pytest.raises(InvalidTokenError, match="unknown key"):
        await tokens(ONLY_RS256, keys).verify(sign(signer, claims()))


@pytest.mark.parametrize(
    ("given_claims", "scopes"),
    [
        ({"scope": "chat images"}, {"chat", "images"}),
        ({"scope": ["chat"]}, {"chat"}),
        ({"scope": None, "scp": "chat"}, {"chat"}),
        ({"scope": None, "permissions": ["chat", 7]}, {"chat"}),
        ({"scope": None, "realm_access": {"roles": ["chat"]}}, {"chat"}),
        ({"scope": None}, set()),
        ({"scope": "admin"}, set()),
    ],
)
async def test_scopes_are_found_where_each_vendor_puts_them(given_claims: dict[str, Any], scopes: set[str]) -> None:
    found = await tokens().verify(sign(KEYS.rsa, claims(**given_claims)))
    assert (found.scopes, found.admin) == (frozenset(scopes), False)


async def test_claims_say_who_of_which_tenant_for_which_models() -> None:
    settings = msgspec.structs.replace(
        SETTINGS, claims=ClaimSettings("client_id", "org", "models"), scope_prefix="fb:", admin_scope="fb:boss"
    )
    body = claims(client_id="app", org="acme", models=["m"], scope="fb:chat chat fb:boss")
    found = await tokens(settings).verify(sign(KEYS.rsa, body))
    assert found == Principal("app", "acme", frozenset({"m"}), admin=True, scopes=frozenset({"chat", "boss", "admin"}))
    with pytest.raises(InvalidTokenError, match="has no"):
        await tokens(settings).verify(sign(KEYS.rsa, {name: value for name, value in body.items() if name != "org"}))


async def test_a_claim_may_say_how_much_its_bearer_may_ask_for() -> None:
    settings = msgspec.structs.replace(SETTINGS, claims=ClaimSettings(limits="limits"))
    told = claims(limits={"rpm": 60, "budget_day": 0.25})
    found = await tokens(settings).verify(sign(KEYS.rsa, told))
    assert found.limits == Limits(rpm=60, budget_day=25 * 10**10)
    assert (await tokens(settings).verify(sign(KEYS.rsa, claims()))).limits is None
    unusable: list[Any] = [
        60,
        [],
        {"rpm": 0},
        {"rpm": "many"},
        {"budget_day": -1},
        {"rps": 5},
        {"budget_month": 10**400},
    ]
    for wrong in unusable:
        with pytest.raises(InvalidTokenError, match="limits"):
            await tokens(settings).verify(sign(KEYS.rsa, claims(limits=wrong)))


@given(st.text() | st.from_regex(r"ey[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        take_apart(text)
    except InvalidTokenError:
        return
    assert text.count(".") == 2
