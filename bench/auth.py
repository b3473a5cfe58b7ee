"""What checking a credential costs: a key of the configuration, an issued one, a token at first and again.

chrt -f 10 .venv/bin/python bench/auth.py
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from forebay.auth.credentials import Credentials
from forebay.auth.issued import IssuedKeys
from forebay.auth.issuing import digest as issued_digest
from forebay.auth.keys import digest
from forebay.auth.oauth.tokens import Tokens
from forebay.core.keys import IssuedKey
from forebay.core.types import Principal
from forebay.settings import IssuerSettings
from tests.support.issuing import AUDIENCE, ISSUER, JWKS, Keys, claims, sign

ROUNDS, TIMES = 20, 5000
PEPPER = b"p" * 32
ALICE = Principal("alice")


async def microseconds(check: Callable[[], Awaitable[object]]) -> float:
    """The best mean of `ROUNDS`: what it takes when nobody else is in the way."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(TIMES):
            await check()
        best = min(best, (time.perf_counter() - started) / TIMES)
    return best * 1e6


class Book:
    """So many issued keys, and nothing behind them."""

    def __init__(self, count: int) -> None:
        self._texts = [f"fb-{number:043d}" for number in range(count)]

    async def version(self) -> int:
        """Always the same."""
        return 1

    async def active(self) -> list[tuple[str, IssuedKey]]:
        """All of them."""
        return [(issued_digest(PEPPER, text), IssuedKey(text, "alice", "team", "", 0.0)) for text in self._texts]


async def tokens() -> None:
    """The same for tokens of 2048-bit RSA."""
    keys = Keys()
    made = iter([f"Bearer {sign(keys.rsa, claims(jti=str(number)))}" for number in range(1000)])
    known = Tokens([IssuerSettings(ISSUER, (AUDIENCE,), jwks_uri=JWKS)], keys.fetch, nothing)
    credentials = Credentials({}, verify=known.verify)
    first = next(made)
    print(f"token, seen before         {await microseconds(lambda: credentials.authenticate(first)):6.2f} µs")
    await credentials.authenticate(next(made))
    started = time.perf_counter()
    count = 0
    for count, text in enumerate(made, 1):  # noqa: B007  # how many there were
        await credentials.authenticate(text)
    print(f"RS256 token, the first time {(time.perf_counter() - started) / count * 1e6:5.1f} µs")


async def nothing(_url: str, _headers: Mapping[str, str], _body: bytes) -> bytes:
    """Nobody is asked."""
    raise NotImplementedError


async def main() -> None:
    """Print a line for each."""
    configured = {digest(f"sk-{number}"): ALICE for number in range(100)}
    issued = IssuedKeys(Book(10_000), PEPPER)  # type: ignore[arg-type]  # it has what is asked for
    await issued.refresh()
    credentials = Credentials(configured, issued.find)
    own, other = "Bearer sk-7", f"Bearer fb-{7:043d}"
    print(f"key of the configuration   {await microseconds(lambda: credentials.authenticate(own)):6.2f} µs")
    print(f"issued key, of 10,000      {await microseconds(lambda: credentials.authenticate(other)):6.2f} µs")
    await tokens()


if __name__ == "__main__":
    asyncio.run(main())
