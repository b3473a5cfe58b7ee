"""What goes wrong on the way back from a provider, as it is told to whoever wanted to log in."""

from forebay.core.errors import InvalidRequestError


class LoginError(InvalidRequestError):
    """The answer does not belong to a login that this browser has begun; nothing of it is shown."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"The login is refused: {reason}. Begin again at /auth/login.", code=code)
