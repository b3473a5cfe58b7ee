"""Writes AWS's binary events, as its services do.

Source: the Smithy specification, "Amazon Event Stream".
"""

import binascii
import json
import struct
from typing import Any


def aws_event(name: str, payload: dict[str, Any], kind: str = "event") -> bytes:
    """An event, or an exception, with its two checksums."""
    headers = b"".join(
        bytes([len(key)]) + key + b"\x07" + struct.pack(">H", len(value)) + value
        for key, value in (
            (f":{kind}-type".encode(), name.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", kind.encode()),
        )
    )
    body = json.dumps(payload, ensure_ascii=False).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + body
    return message + struct.pack(">I", binascii.crc32(message))
