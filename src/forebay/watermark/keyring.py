"""Keys by their ids, and a scheme out of a key: what the marking and the detecting side must agree on."""

from collections.abc import Mapping
from typing import Final

import msgspec

from forebay.core.marks import SchemeName
from forebay.watermark.gumbel import Gumbel
from forebay.watermark.keyed import KeyedHash
from forebay.watermark.kgw import KGW_TABLE, PUBLIC_KEY, LeftHash, SelfHash
from forebay.watermark.scheme import Scheme

SHORTEST: Final = 16
"""Characters of a secret of ours. Those of the other schemes are integers."""

_LARGEST: Final = 2**63


class WatermarkKeyError(ValueError):
    """A key is not there, or not one for its scheme; the message says so without showing it."""


class UnsuitableKeyError(WatermarkKeyError):
    """A key is of another kind than its scheme takes."""


class Parameters(msgspec.Struct, frozen=True):
    """What is public about a mark: the scheme, the share of green tokens and how many tokens a context has.

    ``width`` is the scheme's own where it is ``None``. ``vocabulary`` is what matters to the schemes with lists: the
    number of tokens that the marking side takes the model to have.
    """

    scheme: SchemeName = "keyed"
    gamma: float = 0.25
    width: int | None = None
    vocabulary: int = 0


class KeyRing:
    """The secrets by their ids. Old ones stay for as long as texts with them are to be found."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = dict(secrets)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, in their order."""
        return tuple(self._secrets)

    def scheme(self, key: str, parameters: Parameters) -> Scheme:
        """The scheme of ``parameters`` with the key whose id is ``key``.

        Raises:
            WatermarkKeyError: there is none, or it does not suit the scheme.
        """
        if key not in self._secrets:
            known = ", ".join(self._secrets) or "none"
            raise WatermarkKeyError(f"There is no watermark key '{key[:64]}'; there are: {known}.")
        return scheme_of(self._secrets[key], parameters, key)


def scheme_of(secret: str, parameters: Parameters, key: str = "") -> Scheme:
    """The scheme of ``parameters`` with a ``secret``, whose id ``key`` is for the message.

    Raises:
        UnsuitableKeyError: the secret does not suit the scheme.
    """
    name, gamma, width = parameters.scheme, parameters.gamma, parameters.width
    if name in _OURS:
        if len(secret) < SHORTEST:
            raise UnsuitableKeyError(f"The watermark key '{key}' is too short: {SHORTEST} characters at least.")
        return KeyedHash(secret, gamma=gamma, width=width or 1) if name == "keyed" else Gumbel(secret, width=width or 4)
    number = _integer(secret, name, key)
    vocabulary = parameters.vocabulary
    if name == "kgw-lefthash":
        return LeftHash(number, vocabulary=vocabulary, gamma=gamma)
    table = KGW_TABLE if name == "kgw-selfhash" else number
    return SelfHash(number, vocabulary=vocabulary, gamma=gamma, table=table, window=width or 4)


_OURS: Final = ("keyed", "gumbel")


def _integer(secret: str, scheme: str, key: str) -> int:
    if not (secret.isascii() and secret.isdigit()) or not 0 < int(secret) < _LARGEST:
        raise UnsuitableKeyError(
            f"The watermark key '{key}' must be an integer for '{scheme}', such as {PUBLIC_KEY}, which is public."
        )
    return int(secret)
