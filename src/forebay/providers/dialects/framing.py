"""Where one event of a vendor's stream ends and the next begins."""

from typing import Protocol

from forebay.core.errors import UpstreamError
from forebay.core.stream import Framer, payload

BOM = b"\xef\xbb\xbf"
EVENT_BYTES = 16 * 1024 * 1024


class Framing(Protocol):
    """Cuts a byte stream into events, whatever the pieces it arrives in; one for each stream."""

    def feed(self, data: bytes, /) -> list[bytes]:
        """The payloads of all events that are whole by now.

        Raises:
            UpstreamError: an event does not end.
        """
        ...

    def end(self) -> list[bytes]:
        """What is left when the upstream has closed: some leave out the last line end."""
        ...


class ServerSentEvents:
    """``data:`` lines with an empty line after each event; its payload is the data."""

    def __init__(self) -> None:
        self._framer = Framer(EVENT_BYTES)

    def feed(self, data: bytes) -> list[bytes]:
        """The data of all whole events."""
        found = []
        for event in self._framer.feed(data).split(b"\n\n"):
            data = payload(event.removeprefix(BOM)) or b""
            if data:
                found.append(data)
        return found

    def end(self) -> list[bytes]:
        """The data of an event without its end."""
        return self.feed(b"\n\n")


class Lines:
    """One JSON object a line (NDJSON)."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """All whole lines that are not empty."""
        *whole, self._held = (self._held + data).split(b"\n")
        if len(self._held) > EVENT_BYTES:
            raise UpstreamError("The upstream sent a line without an end.")
        return [line for each in whole if (line := each.strip())]

    def end(self) -> list[bytes]:
        """A line without its end."""
        return self.feed(b"\n")
