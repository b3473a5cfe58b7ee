"""The keys that sign tokens, the same in every process, each for a while and then another one.

A new key is published before it signs, so that whoever keeps our keys has it in time, and stays until the last token
that it signed has ended. In the store a key is encrypted under a secret that is not there.
"""

import asyncio
import hmac
import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey, import_key

from forebay.core.errors import UnavailableError
from forebay.core.following import Following
from forebay.core.signing import SigningBook, SigningKey
from forebay.settings import AuthorizationServerSettings

logger = logging.getLogger("forebay.auth")

AHEAD: Final = 60.0
LINGER: Final = 120.0
"""So much longer than its last token a key stays: clocks differ."""

POLL_SECONDS: Final = 5.0
RSA_BITS: Final = 2048
_TYPE: Final = "at+jwt"


class Signer(msgspec.Struct, frozen=True):
    """A key that this process can use; ``head`` is how every token begins that it has signed."""

    kid: str
    algorithm: str
    key: RSAKey | ECKey
    starts: float
    head: str

    def sign(self, claims: bytes) -> str:
        """A token that says ``claims`` (RFC 9068, section 2.1)."""
        header = {"alg": self.algorithm, "typ": _TYPE, "kid": self.kid}
        return jws.serialize_compact(header, claims, self.key, algorithms=[self.algorithm])


class SigningKeys:
    """All keys in ``book``, which are encrypted under ``secret``; makes a new one when it is time."""

    def __init__(self, book: SigningBook, secret: bytes, settings: AuthorizationServerSettings) -> None:
        self._book = book
        self._secret = OctKey.import_key(hmac.digest(secret, b"forebay signing keys", "sha256"))
        self._settings = settings
        self._kept: Sequence[SigningKey] = ()
        self._signers: tuple[Signer, ...] = ()
        self._following: Following | None = None

    @property
    def signer(self) -> Signer:
        """The key that signs now.

        Raises:
            UnavailableError: there is none yet.
        """
        if not self._signers:
            raise UnavailableError("There is no key to sign with yet; try again soon.", headers={"retry-after": "1"})
        now = time.time()
        return next((each for each in reversed(self._signers) if each.starts <= now), self._signers[0])

    def by_head(self, head: str) -> Signer | None:
        """The key that has signed a token which begins so, if it is one of these."""
        return next((each for each in self._signers if each.head == head), None)

    def jwks(self) -> bytes:
        """All of them, as others may see them (RFC 7517)."""
        keys = [
            {**each.key.as_dict(private=False), "kid": each.kid, "alg": each.algorithm, "use": "sig"}
            for each in self._signers
        ]
        return msgspec.json.encode({"keys": keys})

    async def refresh(self) -> None:
        """Know the keys as they are now; add one if it is time, forget those that no token needs.

        Raises:
            UnavailableError: the book is away.
        """
        await self._read()
        starts = self._due(time.time())
        if starts is not None:
            made = await asyncio.to_thread(_made, self._settings.algorithm)
            number = self._kept[-1].number + 1 if self._kept else 1
            await self._book.add(SigningKey(number, made.thumbprint(), starts, self._sealed(made)))
            await self._read()
        if over := self._over(time.time()):
            await self._book.remove(over)

    async def start(self) -> None:
        """Know the keys, if the book is there, and see every change from now on."""
        self._following = Following(self.refresh, POLL_SECONDS, "signing keys cannot be changed")
        await self._following.start()

    async def close(self) -> None:
        """See no more changes."""
        if self._following is not None:
            await self._following.close()

    async def _read(self) -> None:
        kept = await self._book.list()
        if kept != self._kept:
            self._signers = tuple(self._opened(kept))
            self._kept = kept

    def _due(self, now: float) -> float | None:
        """From when on a new key is to sign, if there is to be one."""
        if not self._signers:
            return now
        newest = self._signers[-1]
        is_old = newest.starts + self._settings.rotate_every <= now + AHEAD
        return now + AHEAD if is_old or newest.algorithm != self._settings.algorithm else None

    def _over(self, now: float) -> int | None:
        """The number of the last key whose tokens have all ended."""
        kept = self._kept
        last = now - self._settings.lifetime - LINGER
        over = [old.number for old, new in itertools.pairwise(kept) if new.starts < last]
        return over[-1] if over else None

    def _sealed(self, key: RSAKey | ECKey) -> str:
        data = msgspec.json.encode(key.as_dict(private=True))
        return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, data, self._secret)

    def _opened(self, kept: Sequence[SigningKey]) -> Iterator[Signer]:
        for each in kept:
            try:
                data = jwe.decrypt_compact(each.sealed, self._secret).plaintext
                key = import_key(msgspec.json.decode(data or b""))
            except (JoseError, ValueError):
                logger.warning("signing key %d was made under another pepper, and is of no use", each.number)
                continue
            if isinstance(key, RSAKey | ECKey):
                algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
                signer = Signer(each.kid, algorithm, key, each.starts, "")
                yield msgspec.structs.replace(signer, head=signer.sign(b"{}").partition(".")[0])


def _made(algorithm: str) -> RSAKey | ECKey:
    return RSAKey.generate_key(RSA_BITS) if algorithm == "RS256" else ECKey.generate_key("P-256")
