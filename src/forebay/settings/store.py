"""What a settings file may say about the store: where usage, keys and the audit log are kept."""

from typing import Annotated, Literal

import msgspec

from forebay.settings.conversations import ConversationSettings
from forebay.settings.values import KIB, Duration, Secret, Size

Url = Annotated[Secret, msgspec.Meta(pattern=r"^(sqlite:///.|postgres(ql)?://)")]
"""A secret, because a password may stand in it."""


class StoreSettings(msgspec.Struct, frozen=True):
    """A database, and the journal in which rows wait until they are in it.

    ``url`` is ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``. ``journal`` is a folder, by default
    beside SQLite's file, ``journal_limit`` what it may hold. ``durability`` says when a row is in the journal: ``sync``
    before the client has its answer, ``batched`` within a tenth of a second. Rows older than ``retention`` are deleted;
    ``None``: never. ``conversations`` have settings of their own.
    """

    url: Url = Secret("sqlite:///forebay.db")
    journal: str = ""
    journal_limit: Size = 1024 * KIB**2
    durability: Literal["batched", "sync"] = "batched"
    retention: Duration | None = None
    conversations: ConversationSettings = ConversationSettings()
