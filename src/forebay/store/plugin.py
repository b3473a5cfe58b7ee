"""The kind `sql`: one database and one journal, and everything that is kept in them."""

from pathlib import Path

from sqlalchemy.exc import ArgumentError

from forebay.core.conversations import Bounds
from forebay.plugins import PreparationError, StorePlugin
from forebay.settings import StoreSettings
from forebay.store.audit import AuditTable
from forebay.store.captures import CaptureTable
from forebay.store.conversations.answers import ResponseTable
from forebay.store.conversations.feedback import FeedbackTable
from forebay.store.conversations.table import ConversationTable
from forebay.store.database import SQLITE, Database, UnusableUrlError, journal_folder, parse
from forebay.store.journal import Journal
from forebay.store.keys import KeyTable
from forebay.store.ledger import Ledger
from forebay.store.passwords import PasswordTable
from forebay.store.prompts import PromptTable
from forebay.store.requests import RequestTable
from forebay.store.reviews import ReviewTable
from forebay.store.revocations import RevocationTable
from forebay.store.series import SeriesTable
from forebay.store.sessions import SessionTable
from forebay.store.shares import ShareTable
from forebay.store.signing import SigningTable
from forebay.store.usage import UsageTable


class SqlStore:
    """A `Store` in a database."""

    def __init__(self, database: Database, journal: Journal, settings: StoreSettings) -> None:
        self._database = database
        self.usage = UsageTable(database)
        self.series = SeriesTable(database)
        self.requests = RequestTable(database)
        self.captures = CaptureTable(database)
        self.keys = KeyTable(database)
        self.admin_log = AuditTable(database)
        self.prompts = PromptTable(database)
        kept = settings.conversations
        bounds = Bounds(kept.max_items, kept.max_item, kept.max_size)
        self.conversations = ConversationTable(database, bounds)
        self.responses = ResponseTable(database, bounds)
        self.feedback = FeedbackTable(database)
        self.reviews = ReviewTable(database)
        self.shares = ShareTable(database)
        self.sessions = SessionTable(database)
        self.passwords = PasswordTable(database)
        self.signing = SigningTable(database)
        self.revocations = RevocationTable(database)
        sync = settings.durability == "sync"
        self.recorder = Ledger(journal, self.usage, sync=sync, retention=settings.retention)

    async def start(self) -> None:
        """Begin to keep the ledger; the database may come later.

        Raises:
            OSError: the journal's folder cannot be written to.
        """
        await self.recorder.start()

    async def migrate(self) -> None:
        """Bring the schema up to date.

        Raises:
            UnavailableError: the database is away; the message says why.
            PreparationError: waiting for it is of no use.
        """
        await self._database.migrate()

    async def close(self) -> None:
        """Bring the ledger home as far as possible."""
        await self.recorder.close()
        await self._database.close()


def build(settings: StoreSettings) -> SqlStore:
    """The store that ``settings`` describe.

    Raises:
        PreparationError: its URL cannot be used, or a driver is not installed.
    """
    try:
        url = parse(settings.url.reveal())
        database = Database(url)
    except (UnusableUrlError, ArgumentError) as error:
        raise PreparationError(f"store.url {error}") from None
    except ImportError as error:
        extra = "store" if url.get_backend_name() == SQLITE else "postgres"
        raise PreparationError(
            f"store.url needs a driver that is not installed ({error.name}): pip install 'forebay[{extra}]'"
        ) from None
    folder = Path(settings.journal) if settings.journal else journal_folder(url)
    return SqlStore(database, Journal(folder, settings.journal_limit), settings)


plugin = StorePlugin(build)
