"""Where ``forebay serve`` keeps what outlives it, when no configuration file says so."""

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from forebay.settings import ConversationSettings, Secret, Settings, StoreSettings

URL: Final = re.compile(r"sqlite:///.|postgres(ql)?://")
OFF: Final = "off"
FILE: Final = "forebay.db"
NEEDED: Final = ("aiosqlite", "alembic", "sqlalchemy")


def state_folder() -> Path:
    """Where this platform wants a program to keep what it would be a pity, but no harm, to lose."""
    if home := os.environ.get("FOREBAY_HOME"):
        return Path(home)
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state) / "forebay"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "forebay"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "forebay"
    return Path.home() / ".local" / "state" / "forebay"


def with_store(settings: Settings, text: str | None) -> Settings:
    """``settings`` with the store that the command line's ``text`` means: a URL, or ``off``; ``None`` changes nothing.

    Raises:
        ValueError: it is neither.
    """
    if text is None:
        return settings
    if text == OFF:
        return msgspec.structs.replace(settings, store=None)
    if not URL.match(text):
        raise ValueError("is no store: write sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME or off")
    kept = settings.store or StoreSettings()
    return msgspec.structs.replace(settings, store=msgspec.structs.replace(kept, url=Secret(text)))


def place_of(store: StoreSettings) -> str:
    """The store for people who read it on a screen: a file, or that it is a PostgreSQL."""
    url = store.url.reveal()
    return url.removeprefix("sqlite:///") if url.startswith("sqlite:") else "PostgreSQL"


def own_store() -> StoreSettings | None:
    """The store where nobody names one: a file of this user's; none if that cannot be.

    The models of a laptop are small, and busy: titles are the first words.
    """
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        return None
    folder = state_folder().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / FILE).touch(mode=0o600)
    except OSError:
        return None
    url = Secret(f"sqlite:///{folder / FILE}")
    return StoreSettings(url, conversations=ConversationSettings(titles="words"))
