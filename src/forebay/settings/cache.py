"""What a settings file says about the cache: where replies are kept, for how long, and what else may answer."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from forebay.settings.bounds import ordered
from forebay.settings.document import Entries, Node, Scalar, located
from forebay.settings.problems import Problems
from forebay.settings.section import KIND, Section, section
from forebay.settings.values import KIB, Duration, Size

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class FrontSettings(msgspec.Struct, frozen=True):
    """What each process keeps in its own memory of a store outside of it, and for how long at most."""

    max_bytes: Size = 64 * KIB**2
    ttl: Duration = 5.0


class SemanticJudgeSettings(msgspec.Struct, frozen=True):
    """A ``model`` of this gateway that judges every semantic hit: without its yes within ``timeout`` it is none.

    At most ``max_tokens`` are its answer, at most ``at_once`` questions wait for one: further ones are misses.
    """

    model: Annotated[str, msgspec.Meta(min_length=1)]
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = 2.0
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = 16
    at_once: Annotated[int, msgspec.Meta(ge=1)] = 16


class SemanticSettings(msgspec.Struct, frozen=True):
    """When a question that was asked in other words may be answered from the cache, for models that allow it.

    ``index`` is the plug-in that finds it. What has a ``temperature`` above ``max_temperature``, or more than
    ``max_chars`` characters in its last message, is never looked for. ``shadow`` is the share of semantic hits that are
    answered afresh as well, to compare; at most ``max_shadows`` at a time. A ``judge`` has the last word on each hit.
    """

    index: Section
    threshold: Share = 0.88
    max_temperature: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    max_chars: Annotated[int, msgspec.Meta(ge=1)] = 2000
    shadow: Share = 0.0
    max_shadows: Annotated[int, msgspec.Meta(ge=1)] = 4
    judge: SemanticJudgeSettings | None = None


class CacheSettings(msgspec.Struct, frozen=True):
    """The cache. ``ttl`` is how long an entry lives, ``max_ttl`` the most that a request may ask for.

    Larger replies than ``max_entry`` pass, and are not stored. With ``shared`` all tenants have one cache: who is
    answered fast learns what others have asked.
    """

    store: Section
    ttl: Annotated[Duration, msgspec.Meta(gt=0)] = 3600.0
    max_ttl: Annotated[Duration, msgspec.Meta(gt=0)] = 30 * 86400.0
    max_entry: Size = KIB**2
    namespace: Annotated[str, msgspec.Meta(max_length=128)] = ""
    shared: bool = False
    front: FrontSettings = FrontSettings()
    semantic: SemanticSettings | None = None

    def __post_init__(self) -> None:
        ordered(self, "ttl", "max_ttl")


OFF: Final = "off"
_CACHE, _STORE, _SEMANTIC, _INDEX = "cache", "store", "semantic", "index"
_REDIS: Final = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")


def store_options(text: str) -> Mapping[str, object]:
    """The section of a store that ``text`` is short for: ``KIND``, ``sqlite:PATH`` or the URL of a Redis.

    Raises:
        ValueError: it is short for none.
    """
    if text.startswith(_REDIS):
        return {KIND: "redis", "url": text}
    kind, colon, path = text.partition(":")
    if not kind or (colon and (kind != "sqlite" or not path)):
        raise ValueError("expected a kind such as memory, sqlite:PATH, or redis://HOST:PORT/DB")
    return {KIND: kind, "path": path} if colon else {KIND: kind}


def cache_settings(text: str) -> CacheSettings | None:
    """The settings that a command line's ``text`` means: those of `store_options`, or ``off``.

    Raises:
        ValueError: it means none.
    """
    if text == OFF:
        return None
    options = {**store_options(text)}
    return CacheSettings(section(str(options.pop(KIND)), options, source="--cache", path=f"{_CACHE}.{_STORE}"))


def with_long_cache(root: Node, problems: Problems) -> Node:
    """The tree with ``cache: TEXT`` and ``store: TEXT`` written in full, and without a cache that is ``off``."""
    cache = root.entries.get(_CACHE) if isinstance(root, Entries) else None
    if not isinstance(root, Entries) or cache is None:
        return root
    if isinstance(cache, Scalar) and cache.value in (OFF, None, False):
        return _with(root, _CACHE, None)
    if isinstance(cache, Scalar):
        cache = Entries(cache.line, cache.path, {_STORE: cache}, {_STORE: cache.line})
    if not isinstance(cache, Entries):
        return root
    store = cache.entries.get(_STORE)
    if isinstance(store, Scalar) and isinstance(store.text or store.value, str):
        cache = _with(cache, _STORE, _long_store(store, problems))
    semantic = cache.entries.get(_SEMANTIC)
    if isinstance(semantic, Entries):
        cache = _with(cache, _SEMANTIC, _long_index(semantic))
    return _with(root, _CACHE, cache)


def _long_store(store: Scalar, problems: Problems) -> Node:
    try:
        return located({**store_options(str(store.text or store.value))}, store.path, line=store.line)
    except ValueError as error:
        problems.add(store.line, store.path, str(error))
        return Node(store.line, store.path)


def _long_index(semantic: Entries) -> Entries:
    """``index: KIND`` in full; without one it is the one that comes with Forebay."""
    index = semantic.entries.get(_INDEX, Scalar(semantic.line, f"{semantic.path}.{_INDEX}", "local", "local"))
    if isinstance(index, Scalar):
        index = Entries(index.line, index.path, {KIND: index}, {KIND: index.line})
    return _with(semantic, _INDEX, index)


def _with(entries: Entries, key: str, node: Node | None) -> Entries:
    kept = {name: each for name, each in entries.entries.items() if name != key}
    if node is not None:
        kept[key] = node
    lines = {**entries.lines, key: node.line if node else entries.line}
    return msgspec.structs.replace(entries, entries=kept, lines=lines)
