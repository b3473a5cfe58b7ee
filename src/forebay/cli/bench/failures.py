"""What can go wrong with one request, told by a kind that can be counted and a line that can be read."""

from http import HTTPStatus

import msgspec

from forebay.cli.chat.failures import message_of
from forebay.cli.chat.text import one_line
from forebay.providers.transport import (
    ConnectError,
    CutError,
    TimedOutError,
    TransportError,
)

LONGEST = 300
NO_CONNECTION = "no connection"


class BenchError(Exception):
    """Nothing can be measured; the message says why and names the remedy."""


class Failure(msgspec.Struct, frozen=True):
    """Why a request has no answer; ``status`` is the reply's, 0 where there was none."""

    kind: str
    message: str
    status: int = 0

    @property
    def unreachable(self) -> bool:
        """Whether there was not even a connection."""
        return self.kind == NO_CONNECTION


class FailedError(Exception):
    """An answer is no answer."""

    def __init__(self, kind: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.failure = Failure(kind, one_line(message)[:LONGEST], status)


def of_transport(error: TransportError) -> Failure:
    """The failure of a connection."""
    if isinstance(error, TimedOutError):
        return Failure(f"time-out: {error.which}", str(error))
    kind = NO_CONNECTION if isinstance(error, ConnectError) else "cut off" if isinstance(error, CutError) else "HTTP"
    return Failure(kind, str(error)[:LONGEST])


def of_status(status: int, body: bytes) -> Failure:
    """The failure that a reply with an error's status tells."""
    said = message_of(body) or one_line(body[:LONGEST].decode(errors="replace"))
    return Failure(f"status {status}", said[:LONGEST] or _phrase(status), status)


def remedy(failure: Failure) -> str:
    """What to do about the failure of the very first request, or nothing."""
    match failure.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return "Give a key in FOREBAY_API_KEY, or with --key."
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return "Check the URL, which is what stands before /chat/completions, and --model."
    if failure.unreachable:
        return "Check that a server runs there; to start one: forebay serve"
    if failure.kind == "not a stream":
        return "Try --no-stream."
    return ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"
