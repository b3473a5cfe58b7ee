"""The kinds of cache that are measured side by side, each as settings of a server."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from forebay.core.entries import CacheUnavailableError
from forebay.core.ports import CacheStore
from forebay.plugins import CACHES, SIMILAR, UnknownKindError
from forebay.settings import (
    AuthSettings,
    CacheSettings,
    SemanticSettings,
    ServerSettings,
    Settings,
    cache_settings,
    section,
)

LOCAL = "local"


class Case(msgspec.Struct, frozen=True):
    """A kind of cache, and the settings of a server that has it, or why there is none.

    ``reworded``: the second question has other words.
    """

    store: str
    settings: Settings | str
    reworded: bool = False


def cases(settings: Settings, redis: str, folder: Path) -> Iterator[Case]:
    """All kinds; ``folder`` is for files that nobody needs afterwards."""
    yield Case("off", _with(settings, None))
    yield Case("memory", _with(settings, cache_settings("memory")))
    yield Case("sqlite", _with(settings, cache_settings(f"sqlite:{folder / 'cache.db'}")))
    yield _redis(settings, redis)
    yield _semantic(settings)


def _redis(settings: Settings, url: str) -> Case:
    cache = cache_settings(url)
    if cache is None or cache.store.kind != "redis":
        return Case("redis", f"skipped: {url} is no Redis")
    try:
        plugin = CACHES.plugin(cache.store.kind)
        asyncio.run(_asked(plugin.build(cache.store.read(plugin.settings))))
    except ImportError:
        return Case("redis", "skipped: pip install 'forebay[redis]'")
    except CacheUnavailableError:
        return Case("redis", "skipped: it cannot be reached; --redis says where it is")
    return Case("redis", _with(settings, cache))


def _semantic(settings: Settings) -> Case:
    try:
        SIMILAR.plugin(LOCAL)
    except (UnknownKindError, ImportError) as error:
        return Case("semantic", f"skipped: {error}")
    memory = cache_settings("memory")
    cache = memory and msgspec.structs.replace(memory, semantic=SemanticSettings(section(LOCAL, {})))
    models: Mapping[str, object] = {
        name: msgspec.structs.replace(each, cache="semantic") for name, each in settings.models.items()
    }
    return Case("semantic", _with(msgspec.structs.replace(settings, models=models), cache), reworded=True)


async def _asked(store: CacheStore) -> None:
    await store.start()
    try:
        await store.get(bytes(32))
    finally:
        await store.close()


def _with(settings: Settings, cache: CacheSettings | None) -> Settings:
    """``settings`` for a server of our own: on a free port of this machine, without keys, and quiet.

    No copies in front of a store: it is the store that is measured.
    """
    if cache is not None:
        cache = msgspec.structs.replace(cache, front=msgspec.structs.replace(cache.front, max_bytes=0))
    return msgspec.structs.replace(
        settings,
        server=ServerSettings(port=0),
        auth=AuthSettings(),
        cache=cache,
        log=msgspec.structs.replace(settings.log, level="warning", requests=False),
    )
