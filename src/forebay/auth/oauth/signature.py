"""Checks who signed a token, by one algorithm and one key."""

import contextlib
import warnings

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from forebay.auth.oauth.errors import InvalidTokenError
from forebay.auth.oauth.jwks import Key


def check_signature(text: str, algorithm: str, key: Key | OctKey) -> None:
    """Believe that ``key`` has signed ``text`` by ``algorithm``.

    Raises:
        InvalidTokenError: it has not.
    """
    # A header that is unknown to the library may stay: those that do harm have been refused.
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        with warnings.catch_warnings() if algorithm == "EdDSA" else contextlib.nullcontext():
            if algorithm == "EdDSA":  # by its new name nobody uses it yet (RFC 9864)
                warnings.simplefilter("ignore", SecurityWarning)
            jws.deserialize_compact(text, key, registry=registry)
    except (JoseError, ValueError, TypeError):
        raise InvalidTokenError("its signature is wrong") from None
