"""Tells people in a browser why a login did not succeed, with a way back; programs get OpenAI's form of the same."""

from html import escape
from typing import Final

from forebay.api.http import Endpoint, Headers, Receive, Scope, Send, encoded, header, send_body
from forebay.api.login.session import HOME, LOGIN_PATH, NO_STORE
from forebay.core.errors import ForebayError

POLICY: Final = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
GUARDS: Final[Headers] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"vary", b"accept"),
    NO_STORE,
]

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Not logged in - Forebay</title>
</head>
<body>
  <main>
    <h1>You are not logged in</h1>
    <p role="alert">{message}</p>
    <p><a href="{login}">Log in again</a> or <a href="{home}">go back to the start</a>.</p>
    <p><small>{code}, request {request_id}</small></p>
  </main>
</body>
</html>
"""


def for_people(endpoint: Endpoint) -> Endpoint:
    """``endpoint``, whose errors are a page where a browser asks for one (``Accept: text/html``)."""

    async def telling(scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        try:
            await endpoint(scope, receive, send, request_id)
        except ForebayError as error:
            if "text/html" not in (header(scope, b"accept") or ""):
                raise
            headers = [*GUARDS, (b"x-request-id", request_id.encode()), *encoded(error.headers.items())]
            await send_body(send, error.status, headers, _page(error, request_id))

    return telling


def _page(error: ForebayError, request_id: str) -> bytes:
    told = {"message": error.message, "code": error.code or "", "request_id": request_id}
    shown = {name: escape(text) for name, text in told.items()}
    return PAGE.format(login=LOGIN_PATH, home=HOME, **shown).encode()
