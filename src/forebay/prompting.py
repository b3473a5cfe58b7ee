"""From settings to prompts: those of a folder, read with the configuration, and those of the store, as they change."""

import logging
from pathlib import Path
from typing import Final

from forebay.core.following import Following
from forebay.core.prompts import Collection
from forebay.core.store import Store
from forebay.gateway.prompts.shelf import Shelf
from forebay.settings import Problem, PromptSettings, SettingsError

logger = logging.getLogger("forebay.prompts")

POLL_SECONDS: Final = 0.4
"""A change of the store is seen after this and the time that two queries take."""


class Prompting:
    """What lives as long as the process: the prompts of the store. While it is away, what was known last goes on."""

    def __init__(self, store: Store | None) -> None:
        self._book = store.prompts if store is not None else None
        self._stored = Collection()
        self._configured: Collection | None = None
        self._version: int | None = None
        self._following: Following | None = None
        self.shelf = Shelf()

    def configure(self, prompts: Collection | None) -> None:
        """From now on the prompts of the configuration are these; ``None``: there are none at all."""
        self._configured = prompts
        self._arrange()

    async def refresh(self) -> None:
        """Know every prompt as it is now.

        Raises:
            UnavailableError: the store is away.
        """
        if self._book is None or self._configured is None:
            return
        version = await self._book.version()
        if version != self._version:
            self._stored = await self._book.all()
            self._version = version
            self._arrange()

    async def start(self) -> None:
        """Know the prompts, if the store is there, and see every change from now on."""
        if self._book is not None:
            self._following = Following(self.refresh, POLL_SECONDS, "changes of prompts cannot be seen")
            await self._following.start()

    async def close(self) -> None:
        """See no more changes."""
        if self._following is not None:
            await self._following.close()

    def _arrange(self) -> None:
        self.shelf = Shelf(self._stored, self._configured or Collection())


def configured(settings: PromptSettings | None) -> Collection | None:
    """The prompts in the folder of ``settings``; ``None`` where there are to be none at all.

    Raises:
        SettingsError: the folder, or a file in it, is not what it should be.
    """
    if settings is None:
        return None
    try:
        from forebay.gateway.prompts import files, variables  # noqa: PLC0415  # an extra
    except ImportError as error:
        message = f"needs what is not installed ({error.name}): pip install 'forebay[prompts]'"
        raise SettingsError("the configuration", [Problem(0, "prompts", message)]) from None
    try:
        return files.collected(files.read_folder(Path(settings.folder))) if settings.folder else Collection()
    except variables.FaultyPromptError as error:
        raise SettingsError("the configuration", [Problem(0, "prompts.folder", str(error))]) from None
