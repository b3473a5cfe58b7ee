"""The two cookies of a browser, that of its session and that of a login which has begun.

By HTTPS their names begin with ``__Host-``: then no other host, and nobody on the way, can set them (RFC 6265bis).
"""

from typing import Final

from forebay.api.http import Endpoint, Receive, Scope, Send, header
from forebay.auth.login.acting import BROWSER, Browser

SESSION: Final = "forebay-session"
FLOW: Final = "forebay-login"
CSRF: Final = b"x-csrf-token"
READING: Final = frozenset({"GET", "HEAD"})
_HOST: Final = "__Host-"


class Cookies:
    """Reads and writes them; ``secure`` says that it is HTTPS by which browsers come, ``None``: each request tells."""

    def __init__(self, secure: bool | None) -> None:  # noqa: FBT001  # what it says, not what to do
        self._secure = secure

    def read(self, scope: Scope, name: str) -> str | None:
        """The cookie ``name`` of a request."""
        wanted = self._name(scope, name)
        for key, value in scope["headers"]:
            if key == b"cookie":
                for each in str(value, "latin-1").split(";"):
                    found, _, text = each.strip().partition("=")
                    if found == wanted:
                        return text
        return None

    def write(self, scope: Scope, name: str, text: str, seconds: float) -> tuple[bytes, bytes]:
        """The header that lets the browser keep it for so many seconds; with 0 it forgets it."""
        rest = f"Max-Age={int(seconds)}; Path=/; HttpOnly; SameSite=Lax"
        if self._is_secure(scope):
            rest += "; Secure"
        return b"set-cookie", f"{self._name(scope, name)}={text}; {rest}".encode("latin-1")

    def browser(self, scope: Scope) -> Browser | None:
        """What a request with a session says."""
        session = self.read(scope, SESSION)
        if session is None:
            return None
        return Browser(session, header(scope, CSRF) or "", scope["method"] in READING)

    def _name(self, scope: Scope, name: str) -> str:
        return _HOST + name if self._is_secure(scope) else name

    def _is_secure(self, scope: Scope) -> bool:
        return bool(scope.get("scheme") == "https" if self._secure is None else self._secure)


def with_sessions(endpoint: Endpoint, cookies: Cookies) -> Endpoint:
    """``endpoint`` for browsers as well: a session counts where there is no header ``Authorization``."""

    async def acting(scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        # A connection's requests share one context, so it is put back.
        before = BROWSER.set(cookies.browser(scope))
        try:
            await endpoint(scope, receive, send, request_id)
        finally:
            BROWSER.reset(before)

    return acting
