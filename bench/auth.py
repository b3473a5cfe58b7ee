"""What checking a credential costs: a key of the configuration, an issued one, a token at first and again, a session.

chrt -f 10 .venv/bin/python bench/auth.py
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping

from forebay.auth.authorization_server.signing import SigningKeys
from forebay.auth.authorization_server.tokens import TokenServer
from forebay.auth.credentials import Credentials
from forebay.auth.issued import IssuedKeys
from forebay.auth.issuing import digest as issued_digest
from forebay.auth.keys import digest
from forebay.auth.login.acting import BROWSER, Acting, Browser
from forebay.auth.login.sessions import Sessions
from forebay.auth.oauth.tokens import Tokens
from forebay.core.keys import IssuedKey
from forebay.core.sessions import Session
from forebay.core.types import Principal
from forebay.settings import AuthorizationServerSettings, IssuerSettings
from forebay.store.database import Database, parse
from forebay.store.sessions import SessionTable
from forebay.store.signing import SigningTable
from tests.support.issuing import AUDIENCE, ISSUER, JWKS, Keys, claims, sign

ROUNDS, TIMES = 20, 5000
TOKENS = 500
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


async def own_tokens(issued: IssuedKeys, secret: str) -> None:
    """The same for those that the server itself has given."""
    settings = AuthorizationServerSettings()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(parse(f"sqlite:///{folder}/forebay.db"))
        keys = SigningKeys(SigningTable(database), PEPPER, settings)
        await keys.refresh()
        server = TokenServer(ISSUER, settings, keys, issued)
        credentials = Credentials({}, issued.find, server.verifier(None))
        client = issued.key(secret)
        text = f"Bearer {server.grant(client, None).token}"
        print(f"own token, seen before     {await microseconds(lambda: credentials.authenticate(text)):6.2f} µs")
        started = time.perf_counter()
        for _ in range(TOKENS):
            server.grant(client, None)
        print(f"RS256 token, made          {(time.perf_counter() - started) / TOKENS * 1e6:6.1f} µs")
        await sessions(SessionTable(database))
        await database.close()


async def sessions(table: SessionTable) -> None:
    """A browser's, in SQLite."""
    now = time.time()
    known = Sessions(table, ["here"], 3600)
    identity = await known.begin(Session("here", "alice", "team", "Alice", "member", now, now, now + 3600), None)
    BROWSER.set(Browser(identity, "", reads=True))
    acting = Acting(known, Credentials({}))
    started = time.perf_counter()
    for _ in range(TOKENS):
        await acting.authenticate(None)
    print(f"session, in SQLite         {(time.perf_counter() - started) / TOKENS * 1e6:6.1f} µs")


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
    await own_tokens(issued, other.removeprefix("Bearer "))


if __name__ == "__main__":
    asyncio.run(main())
