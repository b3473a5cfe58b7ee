"""An issuer's keys, fetched when they are needed and as rarely as possible (RFC 7517)."""

import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from forebay.auth.oauth.fetched import Fetch, Fetched
from forebay.core.errors import UnavailableError

Locate = Callable[[], Awaitable[str]]
"""Where the keys are. Raises `ForebayError` where nobody can say."""

Key = RSAKey | ECKey | OKPKey

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
    """The keys at the URL that ``locate`` tells."""

    def __init__(self, locate: Locate, fetch: Fetch) -> None:
        self._locate = locate
        self._fetch = fetch
        self._keys = Fetched("the keys of an issuer", self._load)
        self._unknown: dict[str, float] = {}

    async def key(self, kid: str | None, algorithm: str) -> Key | None:
        """The key with that id, if it is one for ``algorithm``; without an id the only one that is.

        Raises:
            UnavailableError: the keys cannot be had.
        """
        keys = await self._known()
        found = _find(keys, kid, algorithm)
        if found is None and kid is not None and kid not in keys and self._worth(kid):
            await self._keys.refresh()
            found = _find(await self._known(), kid, algorithm)
        if found is None and kid is not None:
            self._note(kid)
        return found

    async def close(self) -> None:
        """Stop fetching."""
        await self._keys.close()

    async def _known(self) -> Mapping[str, Found]:
        keys = await self._keys.value()
        if keys is None:
            raise UnavailableError("The issuer's keys cannot be had now; try again later.")
        return keys

    def _worth(self, kid: str) -> bool:
        now = time.monotonic()
        return self._keys.is_cool and self._unknown.get(kid, now) <= now

    def _note(self, kid: str) -> None:
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.pop(next(iter(self._unknown)))
        self._unknown[kid] = time.monotonic() + UNKNOWN_SECONDS

    async def _load(self) -> Mapping[str, Found]:
        return _read(await self._fetch(await self._locate()))


def _find(keys: Mapping[str, Found], kid: str | None, algorithm: str) -> Key | None:
    kind = KEY_TYPES.get(algorithm)
    fitting = (
        (name, each)
        for name, each in keys.items()
        if (each.type, each.curve) == kind and each.algorithm in {None, algorithm}
    )
    found = [each.key for name, each in fitting if kid is None or name == kid]
    return found[0] if len(found) == 1 else None


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
