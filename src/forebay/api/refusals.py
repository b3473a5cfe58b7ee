"""Calls that are refused before they come into the pipeline are metered too: without a key, or with a broken body."""

from collections.abc import Callable
from typing import Final

from forebay.core.errors import ForebayError
from forebay.core.types import Call, Operation, Principal, Request, Trace

Refused = Callable[[Call, ForebayError], None]
"""Takes note of a call that ended with an error."""

NOBODY: Final = Principal("", "")
"""Who asked, where nobody knows."""


def unmetered(call: Call, error: ForebayError) -> None:
    """Take no note."""


def unread(request_id: str, operation: Operation, principal: Principal, trace: Trace) -> Call:
    """A call of which no more is known than who asked at which address."""
    return Call(request_id, Request(operation, "", b""), principal, trace)
