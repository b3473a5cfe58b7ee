"""What a client may send and how long it may take, so that no client can hold or fill the server."""

import msgspec

MIB = 1024 * 1024


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one connection: sizes in bytes, times in seconds."""

    body_bytes: int = 20 * MIB
    header_bytes: int = 64 * 1024
    header_fields: int = 200
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 60.0
    keep_alive_seconds: float = 75.0
    linger_seconds: float = 2.0
    connections: int = 10_000
