"""Streams of AWS (``application/vnd.amazon.eventstream``), parsed by botocore."""

import re

from forebay.core.errors import UpstreamError

try:
    from botocore.eventstream import EventStreamBuffer, ParserError
except ModuleNotFoundError as missing:
    raise ImportError("Bedrock needs botocore: pip install 'forebay[bedrock]'") from missing

_NAME = re.compile(r"[A-Za-z][A-Za-z-]*")


class EventStream:
    """Each payload is put into an object under its event's name, such as ``{"metadata": {...}}``."""

    def __init__(self) -> None:
        self._buffer = EventStreamBuffer()
        self._left = 0

    def feed(self, data: bytes) -> list[bytes]:
        """All whole events.

        Raises:
            UpstreamError: a checksum is wrong, or an event larger than 24 MB.
        """
        self._left += len(data)
        self._buffer.add_data(data)
        found = []
        try:
            for message in self._buffer:
                self._left -= message.prelude.total_length
                found.append(_named(message.headers, message.payload))
        except (ParserError, ValueError, KeyError) as error:
            raise UpstreamError("The upstream sent a damaged event.") from error
        return found

    def end(self) -> list[bytes]:
        """Nothing.

        Raises:
            UpstreamError: half an event is left.
        """
        if self._left:
            raise UpstreamError("The upstream ended within an event.")
        return []


def _named(headers: dict[str, object], payload: bytes) -> bytes:
    """An event or an exception by its type; an error without one has its words in headers."""
    name = str(headers.get(":event-type") or headers.get(":exception-type") or "internalServerException")
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return b'{"%b":%b}' % (name.encode(), payload or b"{}")
