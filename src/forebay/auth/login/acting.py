"""Who asks, where a browser sends no credential but its cookie."""

from contextvars import ContextVar
from typing import Final

import msgspec

from forebay.auth.login.sessions import Sessions, is_csrf_token
from forebay.core.errors import AuthenticationError, PermissionDeniedError
from forebay.core.ports import Authenticator
from forebay.core.sessions import Session
from forebay.core.types import Principal

ENDED: Final = "Your session has ended: log in again, or send an API key as 'Authorization: Bearer KEY'."


class Browser(msgspec.Struct, frozen=True):
    """What a request without a credential has: the id of a session, the token that shows whose page asks.

    ``reads`` says that it changes nothing.
    """

    session: str
    csrf: str
    reads: bool


BROWSER: Final[ContextVar[Browser | None]] = ContextVar("forebay_browser", default=None)
"""That of the request which is being answered, if its session may count; `forebay.api.login.cookies` sets it."""


class Acting:
    """An `Authenticator`: whoever is logged in, and ``others`` by their credentials."""

    def __init__(self, sessions: Sessions, others: Authenticator) -> None:
        self._sessions = sessions
        self._others = others

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal behind an ``Authorization`` header, or without one behind the session.

        Raises:
            AuthenticationError: there is neither.
            PermissionDeniedError: another site's page asks, or a viewer wants to change something.
            UnavailableError: it cannot be checked now.
        """
        browser = BROWSER.get()
        if authorization is None and browser is not None:
            session = await self._sessions.find(browser.session)
            if session is None:
                return await self._without_session()
            check(session, browser)
            return session.principal()
        return await self._others.authenticate(authorization)

    async def _without_session(self) -> Principal:
        """Whoever needs no credential, since the session has ended."""
        try:
            return await self._others.authenticate(None)
        except AuthenticationError as error:
            error.message = ENDED
            raise


def check(session: Session, browser: Browser) -> None:
    """Let ``browser`` act in ``session``.

    Raises:
        PermissionDeniedError: another site's page asks, or a viewer wants to change something.
    """
    if browser.reads:
        return
    require_csrf(browser)
    if session.role == "viewer":  # no GET asks a model, and each is good for a viewer, whatever scope it takes
        raise PermissionDeniedError("A viewer may read, but neither ask a model nor change anything.")


def require_csrf(browser: Browser) -> None:
    """Believe that a page of ours asks: another site's can send our cookie, but does not know the token.

    Raises:
        PermissionDeniedError: it does not show the token of its session.
    """
    if not is_csrf_token(browser.csrf, browser.session):
        raise PermissionDeniedError(
            "Send the session's 'csrf_token', which GET /auth/session tells, in the header 'x-csrf-token'.",
            code="invalid_csrf_token",
        )
