"""``PUT /admin/config``: another configuration for a running server.

Whoever may do this may do everything that the server may: a configuration can send the secrets of its environment to
any address. So it takes a key that says ``admin: true``, and without one nobody can.
"""

import hashlib
from collections.abc import Awaitable, Callable

from forebay.api.http import Receive, Scope, Send, header, send_json
from forebay.auth.trail import Trail
from forebay.core.errors import InvalidRequestError, PermissionDeniedError
from forebay.core.ports import Authenticator

Change = Callable[[str], Awaitable[bool]]


class Admin:
    """``change`` applies a configuration, or raises one of ``unusable``; ``trail`` tells who wanted it."""

    def __init__(
        self, authenticator: Authenticator, trail: Trail, change: Change, unusable: tuple[type[Exception], ...]
    ) -> None:
        self._authenticator = authenticator
        self._trail = trail
        self._change = change
        self._unusable = unusable

    async def configure(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Apply the body, the text of a configuration file; a 400 tells every mistake, and then nothing has changed."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        if not principal.admin:
            raise PermissionDeniedError("This takes a key with 'admin: true' in auth.keys of the configuration.")
        body = (await receive())["body"]
        digest = hashlib.sha256(body).hexdigest()
        await self._trail.note(principal, "config.change", "config", bytes=len(body), sha256=digest)
        try:
            text = body.decode("utf-8-sig")
            applied = await self._change(text)
        except UnicodeDecodeError as error:
            raise InvalidRequestError(f"The body is not valid UTF-8 (byte {error.start}).") from None
        except self._unusable as error:
            await self._trail.note(principal, "config.refused", "config", sha256=digest)
            raise InvalidRequestError(str(error), code="invalid_configuration") from None
        told = {"object": "config", "status": "applied" if applied else "accepted"}
        await send_json(send, request_id, told, 200 if applied else 202)
