"""A store by its short name, for programs that have no settings file: ``memory``, ``sqlite:PATH``, ``redis://…``."""

from forebay.core.ports import CacheStore
from forebay.plugins import CACHES
from forebay.settings import cache_settings


def store_of(text: str) -> CacheStore:
    """The store that ``text`` is short for, not started yet.

    Raises:
        ValueError: it is short for none.
        SettingsError: the store does not take what it says.
        UnknownKindError: no store of that kind is installed.
    """
    settings = cache_settings(text)
    if settings is None:
        raise ValueError("'off' is no store")
    plugin = CACHES.plugin(settings.store.kind)
    return plugin.build(settings.store.read(plugin.settings))
