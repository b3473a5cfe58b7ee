"""An issuer's keys, fetched when they are needed and as rarely as possible (RFC 7517)."""

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from forebay.core.errors import ForebayError, UnavailableError

logger = logging.getLogger("forebay.auth")

Fetch = Callable[[str], Awaitable[bytes]]
"""What is at a URL, of bounded size and within bounded time. Raises `ForebayError` where there is nothing."""

Key = RSAKey | ECKey | OKPKey

TTL: Final = 600.0
STALE: Final = 12 * 3600.0
COOL_DOWN: Final = 30.0
"""After this much time since the last fetch an unknown key id, or another try after a failure, is worth a new one."""

UNKNOWN_SECONDS: Final = 300.0
MOST_UNKNOWN: Final = 1000
MOST_KEYS: Final = 100
RSA_BITS: Final = 2048

KEY_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Which key each algorithm takes, so that none is ever used with another's."""

_TYPES: Final[Mapping[str, Any]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class Found(msgspec.Struct, frozen=True):
    """A key, and what it may be used for."""

    key: Key
    type: str
    curve: str
    algorithm: str | None


class KeySet:
    """The keys at ``url``. One fetch at a time; while it fails, the keys that were there last go on for `STALE`."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self._url = url
        self._fetch = fetch
        self._keys: Mapping[str, Found] = {}
        self._loaded = self._tried = float("-inf")
        self._unknown: dict[str, float] = {}
        self._flight: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> Key | None:
        """The key with that id, if it is one for ``algorithm``; without an id the only one that is.

        Raises:
            UnavailableError: the keys cannot be had.
        """
        now = time.monotonic()
        if now - self._loaded > TTL and now - self._tried > COOL_DOWN:
            await self._refresh()
        if time.monotonic() - self._loaded > STALE:
            raise UnavailableError("The issuer's keys cannot be had now; try again later.")
        found = self._find(kid, algorithm)
        if found is None and kid is not None and self._worth(kid):
            await self._refresh()
            found = self._find(kid, algorithm)
        if found is None and kid is not None:
            self._note(kid)
        return found

    async def close(self) -> None:
        """Stop fetching."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    def _find(self, kid: str | None, algorithm: str) -> Key | None:
        kind = KEY_TYPES.get(algorithm)
        fitting = (
            (name, each)
            for name, each in self._keys.items()
            if (each.type, each.curve) == kind and each.algorithm in {None, algorithm}
        )
        found = [each.key for name, each in fitting if kid is None or name == kid]
        return found[0] if len(found) == 1 else None

    def _worth(self, kid: str) -> bool:
        now = time.monotonic()
        return now - self._tried > COOL_DOWN and self._unknown.get(kid, now) <= now and kid not in self._keys

    def _note(self, kid: str) -> None:
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.pop(next(iter(self._unknown)))
        self._unknown[kid] = time.monotonic() + UNKNOWN_SECONDS

    async def _refresh(self) -> None:
        """Take part in the fetch that is under way, or begin one; who leaves does not end it for the others."""
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._load(), name="jwks")
        await asyncio.shield(self._flight)

    async def _load(self) -> None:
        self._tried = time.monotonic()
        try:
            self._keys = _read(await self._fetch(self._url))
        except (ForebayError, ValueError) as error:
            logger.warning("the keys of an issuer cannot be fetched: %s", error)
        else:
            self._loaded = time.monotonic()


def _read(body: bytes) -> Mapping[str, Found]:
    """The usable keys in ``body``; one that is too short, secret or for encryption is not among them."""
    document = msgspec.json.decode(body)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("the document has no keys")  # noqa: TRY004  # what came is bad, not our call
    found: dict[str, Found] = {}
    for number, each in enumerate(keys[:MOST_KEYS]):
        if isinstance(each, dict) and (key := _key(each)) is not None:
            found[str(each.get("kid", f" {number}"))] = key
    return found


def _key(entry: dict[str, Any]) -> Found | None:
    kind = str(entry.get("kty"))
    if kind not in _TYPES or entry.get("use", "sig") != "sig" or _PRIVATE & entry.keys():
        return None
    if kind == "RSA" and _bits(entry.get("n")) < RSA_BITS:
        return None
    try:
        key: Key = _TYPES[kind].import_key({name: value for name, value in entry.items() if isinstance(value, str)})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    algorithm = entry.get("alg")
    return Found(key, kind, str(entry.get("crv", "")), algorithm if isinstance(algorithm, str) else None)


def _bits(modulus: object) -> int:
    """How long a number in base 64 is; one that begins with zeros is not taken for longer than it is."""
    try:
        data = base64.urlsafe_b64decode(f"{modulus}==")
    except ValueError:
        return 0
    return int.from_bytes(data).bit_length()
