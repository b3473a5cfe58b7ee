"""``GET /auth/session``: who I am, and how I could log in; what a page asks first."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from forebay.api.http import JSON, Receive, Scope, Send, send_body
from forebay.api.login.cookies import SESSION, Cookies
from forebay.auth.login.sessions import Sessions, csrf_token
from forebay.core.sessions import Session
from forebay.settings import AuthSettings

HOME: Final = "/"
PATH: Final = "/auth/session"
LOGIN_PATH: Final = "/auth/login"
CALLBACK_PATH: Final = "/auth/callback"
PASSWORD_PATH: Final = "/auth/password"  # noqa: S105  # a path
LOGOUT_PATH: Final = "/auth/logout"
NO_STORE: Final = (b"cache-control", b"no-store")


class SessionEndpoint:
    """Tells anybody which ``methods`` there are; ``required`` says that a request without any of them is refused."""

    def __init__(
        self,
        cookies: Cookies,
        sessions: Sessions | None,
        methods: Sequence[Mapping[str, str]],
        *,
        required: bool,
    ) -> None:
        self._cookies = cookies
        self._sessions = sessions
        self._methods = methods
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Tell it."""
        identity = self._cookies.read(scope, SESSION)
        session = None
        if self._sessions is not None and identity is not None:
            session = await self._sessions.find(identity)
        headers = [JSON, NO_STORE, (b"x-request-id", request_id.encode())]
        await send_body(send, 200, headers, self.body(session, identity or ""))

    def body(self, session: Session | None, identity: str) -> bytes:
        """The answer about ``session``, whose id is ``identity``."""
        told: dict[str, object] = {
            "object": "session",
            "required": self._required,
            "methods": self._methods,
            "user": None,
            "role": None,
            "csrf_token": None,
            "expires_at": None,
        }
        if session is not None:
            told["user"] = {"name": session.name, "label": session.label, "tenant": session.tenant}
            told["role"] = session.role
            told["csrf_token"] = csrf_token(identity)
            told["expires_at"] = int(session.ends)
        return msgspec.json.encode(told)


def key_methods(settings: AuthSettings) -> list[Mapping[str, str]]:
    """How whoever has a key or a token of an issuer may be let in."""
    return [{"type": "key"}] if settings.takes_credentials else []
