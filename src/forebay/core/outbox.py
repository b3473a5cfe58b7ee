"""Lets everything that is written in one turn of the event loop leave together, at its end.

A write to a socket wakes whoever waits at the other end. When a busy server writes after each piece of work, its peers
wake, find one message, and sleep again, at a price of up to 10 µs a write on a virtual machine; when it writes in a
burst they stay awake. Pieces for the same socket become one write on the way.
"""

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

# What one sender may gather before it should not wait any longer, in bytes.
MOST = 64 * 1024


class Sender(Protocol):
    """A connection that has gathered something to write."""

    def flush(self) -> None:
        """Write it; nothing, if the connection is closed by now."""
        ...


class Outbox:
    """The senders of one event loop that have something to write."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._senders: list[Sender] = []

    def add(self, sender: Sender) -> None:
        """Call ``sender.flush()`` at the end of this turn."""
        if not self._senders:
            self._loop.call_soon(self._flush)
        self._senders.append(sender)

    def _flush(self) -> None:
        senders, self._senders = self._senders, []
        for sender in senders:
            sender.flush()


_outboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Outbox] = WeakKeyDictionary()


def outbox_of(loop: asyncio.AbstractEventLoop) -> Outbox:
    """The one outbox of ``loop``."""
    found = _outboxes.get(loop)
    if found is None:
        found = _outboxes[loop] = Outbox(loop)
    return found
