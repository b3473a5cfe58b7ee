"""Entries as bytes, for stores outside of the process: marked, versioned and checked, so that nothing else is taken.

"FBC" · version (1 byte) · CRC-32 of the rest (4 bytes, big-endian) · the entry in MessagePack
"""

import zlib
from typing import Final

import msgspec

from forebay.core.entries import Entry

VERSION: Final = 1

_MARK: Final = b"FBC"
_HEAD: Final = len(_MARK) + 1 + 4

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


class UnreadableError(ValueError):
    """These bytes are no entry of this version: cut off, changed, or somebody else's."""


def encode(entry: Entry) -> bytes:
    """``entry`` as bytes."""
    body = _encoder.encode(entry)
    return _MARK + bytes([VERSION]) + zlib.crc32(body).to_bytes(4) + body


def decode(data: bytes) -> Entry:
    """The entry that ``data`` is.

    Raises:
        UnreadableError: it is none.
    """
    if data[:3] != _MARK or data[3:4] != bytes([VERSION]):
        raise UnreadableError("it is of another version, or no entry at all")
    body = data[_HEAD:]
    if zlib.crc32(body).to_bytes(4) != data[4:_HEAD]:
        raise UnreadableError("it was cut off, or changed")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(str(error)) from None


class Decoder:
    """Decodes what one store has kept; what is ``unreadable`` is counted, and as good as not there."""

    def __init__(self) -> None:
        self.unreadable = 0

    def entry(self, data: object) -> Entry | None:
        """The entry that ``data`` is, if it is one; what is no bytes is none."""
        try:
            return decode(data) if isinstance(data, bytes) else None
        except UnreadableError:
            self.unreadable += 1
            return None
