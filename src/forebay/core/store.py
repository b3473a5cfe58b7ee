"""The port of what outlives the server, and how each part of it is called."""

from typing import Protocol

from forebay.core.captures import CaptureBook
from forebay.core.conversations import Conversations, Responses
from forebay.core.feedback import FeedbackBook
from forebay.core.keys import AdminLog, KeyBook
from forebay.core.ledger import UsageBook
from forebay.core.passwords import PasswordBook
from forebay.core.ports import Recorder
from forebay.core.prompts import PromptBook
from forebay.core.requestlog import RequestLog
from forebay.core.reviews import ReviewBook
from forebay.core.revocations import RevocationBook
from forebay.core.series import SeriesBook
from forebay.core.sessions import SessionBook
from forebay.core.shares import ShareBook
from forebay.core.signing import SigningBook


class Store(Protocol):
    """What outlives the server: the ledger, keys, prompts, what admins did, conversations."""

    @property
    def recorder(self) -> Recorder:
        """Writes the ledger; never waits for it."""
        ...

    @property
    def usage(self) -> UsageBook:
        """Reads the ledger."""
        ...

    @property
    def series(self) -> SeriesBook:
        """Reads it as sums and percentiles over time."""
        ...

    @property
    def requests(self) -> RequestLog:
        """Reads it request by request."""
        ...

    @property
    def captures(self) -> CaptureBook:
        """Captured bodies."""
        ...

    @property
    def keys(self) -> KeyBook:
        """The keys that were issued."""
        ...

    @property
    def admin_log(self) -> AdminLog:
        """Who changed what."""
        ...

    @property
    def conversations(self) -> Conversations:
        """What was said."""
        ...

    @property
    def responses(self) -> Responses:
        """Answers while they come, and afterwards."""
        ...

    @property
    def feedback(self) -> FeedbackBook:
        """What people thought of answers."""
        ...

    @property
    def sessions(self) -> SessionBook:
        """Who is logged in."""
        ...

    @property
    def passwords(self) -> PasswordBook:
        """Those that were made here."""
        ...

    @property
    def signing(self) -> SigningBook:
        """By which keys tokens are signed."""
        ...

    @property
    def revocations(self) -> RevocationBook:
        """Which of these tokens are good no more."""
        ...

    @property
    def prompts(self) -> PromptBook:
        """Prompts in their versions."""
        ...

    @property
    def reviews(self) -> ReviewBook:
        """Answers that people review."""
        ...

    @property
    def shares(self) -> ShareBook:
        """Links that show something to whoever has them."""
        ...

    async def start(self) -> None:
        """Make ready, whether or not what is behind can be reached.

        Raises:
            OSError: there is no place to keep anything.
        """
        ...

    async def migrate(self) -> None:
        """Bring what is kept to the form that this version knows; it also happens by itself before the first use.

        Raises:
            UnavailableError: what is behind cannot be reached, or not changed; the message says why.
            PreparationError: nor will it ever be.
        """
        ...

    async def close(self) -> None:
        """Keep what is still under way, and free everything."""
        ...
