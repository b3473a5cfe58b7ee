"""What is wrong with a token, as it is told to whoever sent it (RFC 6750, section 3.1)."""

from forebay.core.errors import AuthenticationError


class InvalidTokenError(AuthenticationError):
    """The token is refused; the message says why, without anything that stood in it."""

    default_code = "invalid_token"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The access token is refused: {reason}.", challenge=_challenge(reason))


def _challenge(reason: str) -> str:
    return f'Bearer error="invalid_token", error_description="{reason}"'
