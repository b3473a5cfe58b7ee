"""The admin's password, for servers without an identity provider."""

import asyncio
import time
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from forebay.auth.attempts import Attempts
from forebay.core.errors import AuthenticationError
from forebay.core.sessions import Session

NAME: Final = "admin"
SHORTEST: Final = 12
LONGEST: Final = 1024
AT_ONCE: Final = 2
"""Each check takes 64 MiB and a core for some tens of milliseconds, as it must."""


class IncorrectPasswordError(AuthenticationError):
    """It is another one."""

    default_code = "incorrect_password"

    def __init__(self) -> None:
        super().__init__("This is not the password.", challenge="Bearer")


class Password:
    """Checks passwords against ``known``, an Argon2id hash, in a thread; whoever guesses is slowed down.

    A session lasts ``lifetime`` seconds; ``origin`` is written into it.
    """

    def __init__(self, known: str, attempts: Attempts, origin: str, lifetime: float) -> None:
        self._known = known
        self._attempts = attempts
        self._origin = origin
        self._lifetime = lifetime
        self._room = asyncio.Semaphore(AT_ONCE)

    async def log_in(self, text: str, address: str) -> Session:
        """The session of the admin.

        Raises:
            IncorrectPasswordError: ``text`` is another password.
            RateLimitError: there were too many wrong ones.
        """
        self._attempts.begin(address)
        async with self._room:
            right = await asyncio.to_thread(_is, self._known, text[: LONGEST + 1])
        if not right or len(text) > LONGEST:
            raise IncorrectPasswordError
        self._attempts.succeeded(address)
        now = time.time()
        return Session(self._origin, NAME, "default", "Admin", "admin", now, now, now + self._lifetime)


def hashed(text: str) -> str:
    """What a configuration may have of the password ``text`` (Argon2id with RFC 9106's second parameters).

    Raises:
        ValueError: it is too short or too long.
    """
    if not SHORTEST <= len(text) <= LONGEST:
        raise ValueError(f"a password has {SHORTEST} to {LONGEST} characters")
    return PasswordHasher().hash(text)


def _is(known: str, text: str) -> bool:
    try:
        return PasswordHasher().verify(known, text)
    except (VerificationError, InvalidHashError):
        return False
