"""What every database takes: no text too long or with a NUL, no number too large."""

from typing import Final

TEXT_LIMIT: Final = 256
INTEGER_LIMIT: Final = 2**53  # so that a database can add up many


def storable(value: object) -> object:
    """``value`` as every database takes it."""
    if isinstance(value, str):
        return value[:TEXT_LIMIT].replace("\0", "\ufffd")
    if type(value) is int:
        return max(-INTEGER_LIMIT, min(value, INTEGER_LIMIT))
    return value
