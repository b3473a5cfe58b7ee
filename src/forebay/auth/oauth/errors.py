"""What is wrong with a token, as it is told to whoever sent it (RFC 6750, section 3.1)."""

from forebay.core.errors import AuthenticationError


class InvalidTokenError(AuthenticationError):
    """The token is refused; the message says why, without anything that stood in it."""

    default_code = "invalid_token"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The access token is refused: {reason}.", challenge=_challenge(reason))
        self.reason = reason


def _challenge(reason: str) -> str:
    # A configured claim's name may have what this field must not (RFC 6750, section 3).
    told = "".join(each if " " <= each <= "~" and each not in '"\\' else "?" for each in reason)
    return f'Bearer error="invalid_token", error_description="{told}"'
