"""Opens the store of a configuration for a command that reads it or writes to it."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import click

from forebay.accounts import build_store
from forebay.core.errors import ForebayError
from forebay.core.store import Store
from forebay.generation import check_store
from forebay.plugins import PreparationError
from forebay.settings import Settings, SettingsError, load_file


@contextlib.asynccontextmanager
async def opened(config: Path) -> AsyncIterator[tuple[Store, Settings]]:
    """The store that ``config`` names, and all it says; whatever fails is told as a command tells it.

    Raises:
        ClickException: it cannot be used, has no store, or the store cannot be asked now.
    """
    try:
        settings = load_file(config, os.environ)
        check_store(settings)
        store = build_store(settings.store)
        if store is None:
            raise click.ClickException("the configuration has no 'store', so nothing is kept")
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(store.close)
            yield store, settings
    except (SettingsError, PreparationError, ForebayError) as error:
        raise click.ClickException(str(error)) from None
