"""A FastAPI application that lets Auth0, or any other issuer, say who may do what; Forebay's verifier is a dependency.

uvicorn --factory app:from_environment
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from forebay.accounts import Web
from forebay.auth.oauth.token import take_apart
from forebay.auth.oauth.tokens import Tokens
from forebay.core.errors import AuthenticationError, ForebayError, PermissionDeniedError
from forebay.settings import IssuerSettings

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
Claims = Mapping[str, Any]


async def claims(request: Request, wanted: SecurityScopes, credentials: Credentials) -> Claims:
    """The claims of a token that was verified and has the ``wanted`` scopes.

    Raises:
        AuthenticationError: there is no token, or it is refused.
        PermissionDeniedError: a scope is missing.
    """
    if credentials is None:
        raise AuthenticationError("Send an access token as 'Authorization: Bearer TOKEN'.", challenge="Bearer")
    tokens: Tokens = request.app.state.tokens
    principal = await tokens.verify(credentials.credentials)
    if not set(wanted.scopes) <= (principal.scopes or frozenset()):
        scope = wanted.scope_str
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        raise PermissionDeniedError(f"This takes the scope '{scope}'.", headers={"www-authenticate": challenge})
    return take_apart(credentials.credentials).claims


async def told(_request: Request, error: Exception) -> JSONResponse:
    """Errors as RFC 6750 has them."""
    assert isinstance(error, ForebayError)  # noqa: S101  # it is registered for nothing else
    return JSONResponse({"error": error.code, "message": error.message}, error.status, error.headers)


def create(issuer: IssuerSettings) -> FastAPI:
    """The application, for the tokens of ``issuer``."""

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        web = Web()
        app.state.tokens = Tokens([issuer], web.get, web.post)
        yield
        await app.state.tokens.close()
        await web.close()

    app = FastAPI(title="Who may do what", lifespan=live, exception_handlers={ForebayError: told})

    @app.get("/api/public")
    async def public() -> dict[str, str]:
        """For everybody."""
        return {"message": "Hello from a public endpoint! You need no token to see this."}

    @app.get("/api/private")
    async def private(claims: Annotated[Claims, Security(claims)]) -> Claims:
        """For whoever has a good token: what it says."""
        return claims

    @app.get("/api/private-scoped")
    async def private_scoped(claims: Annotated[Claims, Security(claims, scopes=["read:messages"])]) -> Claims:
        """For whoever has one with the scope ``read:messages``."""
        return claims

    return app


def from_environment() -> FastAPI:
    """The application for the tenant at Auth0 and the API that ``AUTH0_DOMAIN`` and ``AUTH0_API_AUDIENCE`` name."""
    domain, audience = os.environ["AUTH0_DOMAIN"], os.environ["AUTH0_API_AUDIENCE"]
    keys = f"https://{domain}/.well-known/jwks.json"
    return create(IssuerSettings(f"https://{domain}/", (audience,), jwks_uri=keys))
