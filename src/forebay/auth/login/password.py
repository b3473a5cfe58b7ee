"""The admin's password, for servers without an identity provider."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from forebay.core.attempts import Attempts
from forebay.core.errors import AuthenticationError
from forebay.core.passwords import PasswordBook
from forebay.core.sessions import Session

logger = logging.getLogger("forebay.auth")

Known = Callable[[], Awaitable[str]]
"""The hash of the right password, an Argon2id one. Raises `UnavailableError`."""

NAME: Final = "admin"
SHORTEST: Final = 12
LONGEST: Final = 1024
RANDOM_BYTES: Final = 18
AT_ONCE: Final = 2
"""Each check takes 64 MiB and a core for some tens of milliseconds, as it must."""


class IncorrectPasswordError(AuthenticationError):
    """It is another one."""

    default_code = "incorrect_password"

    def __init__(self) -> None:
        super().__init__("This is not the password.", challenge="Bearer")


class Password:
    """Checks passwords against what is ``known``, in a thread; whoever guesses is slowed down.

    A session lasts ``lifetime`` seconds; ``origin`` is written into it.
    """

    def __init__(self, known: Known, attempts: Attempts, origin: str, lifetime: float) -> None:
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
            UnavailableError: nobody knows the right one now.
        """
        await self._attempts.begin(address)
        known = await self._known()
        async with self._room:
            right = await asyncio.to_thread(_is, known, text[: LONGEST + 1])
        if not right or len(text) > LONGEST:
            logger.warning("a wrong password came from %s", address)
            raise IncorrectPasswordError
        await self._attempts.succeeded(address)
        now = time.time()
        return Session(self._origin, NAME, "default", "Admin", "admin", now, now, now + self._lifetime)


class Generated:
    """A password that is made when nobody has one yet; of all processes the first makes it, and calls ``tell``."""

    def __init__(self, book: PasswordBook, tell: Callable[[str], None]) -> None:
        self._book = book
        self._tell = tell

    async def __call__(self) -> str:
        """Its hash.

        Raises:
            UnavailableError: the book is away.
        """
        found = await self._book.find(NAME)
        if found is not None:
            return found
        text = generated()
        made = await asyncio.to_thread(hashed, text)
        if await self._book.add(NAME, made):
            self._tell(text)
            return made
        return await self()


def generated() -> str:
    """A password of 144 random bits."""
    return secrets.token_urlsafe(RANDOM_BYTES)


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
