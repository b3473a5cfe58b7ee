"""Asks the issuer about opaque tokens (RFC 7662)."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from forebay.auth.oauth.errors import InvalidTokenError
from forebay.core.errors import UnavailableError
from forebay.settings import IntrospectionSettings

AT_ONCE: Final = 16
"""Made-up tokens must not become a flood at the issuer."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[bytes]]
"""The answer to a POST to a URL, of bounded size and within bounded time. Raises `ForebayError` where there is none."""


class Introspection:
    """What the issuer says of a token."""

    def __init__(self, settings: IntrospectionSettings, post: Post) -> None:
        self._headers = {
            "authorization": basic(settings.client_id, settings.client_secret.reveal()),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        self._url = settings.url
        self._post = post
        self._room = asyncio.Semaphore(AT_ONCE)

    async def claims(self, text: str) -> Mapping[str, Any]:
        """The claims of the opaque token ``text``.

        Raises:
            InvalidTokenError: it is not active.
            UnavailableError: the issuer gives no answer.
        """
        form = urlencode({"token": text, "token_type_hint": "access_token"}).encode()
        try:
            async with self._room:
                answer = msgspec.json.decode(await self._post(self._url, self._headers, form))
        except msgspec.DecodeError:
            raise UnavailableError("The token cannot be checked now; try again later.") from None
        if not isinstance(answer, dict) or answer.get("active") is not True:
            raise InvalidTokenError("it is not active")
        return answer


def basic(client_id: str, client_secret: str) -> str:
    """The ``Authorization`` header of a client (RFC 6749, section 2.3.1)."""
    credentials = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + base64.b64encode(credentials.encode()).decode()
