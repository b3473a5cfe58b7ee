"""A login that has begun: what the browser keeps of it until the provider sends it back.

It keeps all of it, in a cookie, so that nobody fills a table by beginning and never ending. What is in there is of use
to this browser only: state and nonce tie the provider's answer to it, the verifier ties the code to them.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from typing import Final

import msgspec

from forebay.auth.login.errors import LoginError
from forebay.core.errors import InvalidRequestError

SECONDS: Final = 600
BYTES: Final = 32
LONGEST_PATH: Final = 512
LONGEST: Final = 4096


class Flow(msgspec.Struct, frozen=True):
    """OAuth's ``state``, OpenID Connect's ``nonce``, PKCE's ``verifier`` (RFC 7636); whither the browser goes then."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    began: float

    @classmethod
    def begin(cls, return_to: str) -> "Flow":
        """A new one that leads to ``return_to``.

        Raises:
            InvalidRequestError: that is no path of this server.
        """
        if not is_own_path(return_to):
            raise InvalidRequestError(
                "'return_to' must be a path of this server, such as /#/chat.",
                param="return_to",
                code="invalid_return_to",
            )
        state, nonce, verifier = (secrets.token_urlsafe(BYTES) for _ in range(3))
        return cls(state, nonce, verifier, return_to, time.time())

    @classmethod
    def read(cls, text: str | None, state: str) -> "Flow":
        """The flow in a cookie's ``text``, if it is that of ``state``.

        Raises:
            LoginError: it is not, or too old.
        """
        try:
            flow = msgspec.json.decode(base64.urlsafe_b64decode((text or "")[:LONGEST].encode()), type=cls)
        except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError, UnicodeEncodeError, ValueError):
            raise LoginError("invalid_state", "this browser has begun none") from None
        if not hmac.compare_digest(flow.state.encode(), state.encode()) or not is_own_path(flow.return_to):
            raise LoginError("invalid_state", "this browser has begun another one")
        if not 0 <= time.time() - flow.began <= SECONDS:
            raise LoginError("invalid_state", "it has taken too long")
        return flow

    @property
    def challenge(self) -> str:
        """What the provider may see of the verifier (``S256``)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def text(self) -> str:
        """The flow as a cookie has it."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode()


def is_own_path(path: str) -> bool:
    r"""Whether a browser stays on this server when it is sent to ``path``.

    ``//host`` and ``/\host`` lead elsewhere, and browsers drop tabs and line breaks before they look.
    """
    return (
        0 < len(path) <= LONGEST_PATH
        and path[0] == "/"
        and path[1:2] not in {"/", "\\"}
        and path.isascii()
        and path.isprintable()
        and " " not in path
    )
