"""``/auth/login``, ``/auth/callback``, ``/auth/password`` and ``/auth/logout``."""

import time
from typing import Annotated, Final
from urllib.parse import parse_qsl

import msgspec

from forebay.api.http import (
    JSON,
    Headers,
    Receive,
    Scope,
    Send,
    header,
    printable,
    refuse_other_origins,
    require_json,
    send_body,
)
from forebay.api.login.cookies import FLOW, SESSION, Cookies
from forebay.api.login.session import HOME, NO_STORE, SessionEndpoint
from forebay.auth.login.acting import require_csrf
from forebay.auth.login.errors import LoginError
from forebay.auth.login.flow import SECONDS, Flow
from forebay.auth.login.password import Password
from forebay.auth.login.provider import Provider
from forebay.auth.login.sessions import Sessions
from forebay.core.errors import InvalidRequestError, PermissionDeniedError
from forebay.core.sessions import Session

MOST_FIELDS: Final = 20


class PasswordRequest(msgspec.Struct, frozen=True):
    """What is guessed."""

    password: Annotated[str, msgspec.Meta(max_length=1024)]


class ProviderEndpoints:
    """By a provider: away, and back again."""

    def __init__(self, provider: Provider, sessions: Sessions, cookies: Cookies) -> None:
        self._provider = provider
        self._sessions = sessions
        self._cookies = cookies

    async def login(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Send the browser to the provider."""
        flow = Flow.begin(_query(scope).get("return_to", HOME))
        address = await self._provider.address(flow)
        await _redirect(send, address, [self._cookies.write(scope, FLOW, flow.text(), SECONDS)], request_id)

    async def callback(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """Begin the session of whoever comes back."""
        answer = _query(scope)
        # An answer to another login leaves this browser's own alone.
        flow = Flow.read(self._cookies.read(scope, FLOW), answer.get("state", ""))
        try:
            session = await self._provider.finish(flow, answer)
        except (LoginError, PermissionDeniedError) as error:
            name, text = self._cookies.write(scope, FLOW, "", 0)
            error.headers[name.decode()] = text.decode("latin-1")
            raise
        identity = await self._sessions.begin(session, self._cookies.read(scope, SESSION))
        # What hands a response on may keep but the first of equal fields, and the other one ends by itself.
        kept = [
            self._cookies.write(scope, SESSION, identity, session.ends - time.time()),
            self._cookies.write(scope, FLOW, "", 0),
        ]
        await _redirect(send, flow.return_to, kept, request_id)


class PasswordEndpoint:
    """By the admin's password."""

    def __init__(self, password: Password, sessions: Sessions, cookies: Cookies, told: SessionEndpoint) -> None:
        self._password = password
        self._sessions = sessions
        self._cookies = cookies
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Begin a session, and tell it."""
        require_json(header(scope, b"content-type"))
        refuse_other_origins(scope, None)
        try:
            asked = msgspec.json.decode((await receive())["body"], type=PasswordRequest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise InvalidRequestError('Send {"password": "..."}.', param="password") from None
        session = await self._password.log_in(asked.password, _address(scope))
        identity = await self._sessions.begin(session, self._cookies.read(scope, SESSION))
        kept = self._cookies.write(scope, SESSION, identity, session.ends - time.time())
        headers = [JSON, NO_STORE, kept, (b"x-request-id", request_id.encode())]
        await send_body(send, 200, headers, self._told.body(session, identity))


class LogoutEndpoint:
    """Ends a session, and says where to end that at the provider."""

    def __init__(self, sessions: Sessions, cookies: Cookies, provider: Provider | None) -> None:
        self._sessions = sessions
        self._cookies = cookies
        self._provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:  # noqa: ARG002  # Endpoint
        """End the session of the browser, if it has one."""
        browser = self._cookies.browser(scope)
        session = await self._sessions.find(browser.session) if browser is not None else None
        address = None
        if browser is not None and session is not None:
            require_csrf(browser)
            await self._sessions.end(browser.session)
            address = await self._away(session)
        forgotten = self._cookies.write(scope, SESSION, "", 0)
        headers = [JSON, NO_STORE, forgotten, (b"x-request-id", request_id.encode())]
        await send_body(send, 200, headers, msgspec.json.encode({"object": "logout", "url": address}))

    async def _away(self, session: Session) -> str | None:
        return await self._provider.logout_address(session) if self._provider and session.id_token else None


def _query(scope: Scope) -> dict[str, str]:
    """The parameters, none of which may stand there twice (RFC 6749, section 3.1)."""
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise LoginError("invalid_state", "its parameters cannot be read") from None
    if len(dict(pairs)) < len(pairs):
        raise LoginError("invalid_state", "a parameter is there twice")
    return dict(pairs)


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


async def _redirect(send: Send, address: str, cookies: Headers, request_id: str) -> None:
    headers = [
        (b"location", printable(address)),
        NO_STORE,
        (b"referrer-policy", b"no-referrer"),
        (b"x-request-id", request_id.encode()),
        *cookies,
    ]
    await send_body(send, 303, headers, b"")
