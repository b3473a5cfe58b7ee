"""LiteLLM's cache as Forebay's: where replies are kept, for how long, and whether other wordings are answered.

Source: LiteLLM's documentation, "Caching", and its `Cache`.
"""

import re
from typing import Any, Final
from urllib.parse import quote

from forebay.migrate.notes import Fields, Notes, quoted
from forebay.migrate.values import PREFIX, Values

Options = dict[str, Any]

SEMANTIC: Final = "semantic"

_KINDS: Final = ("local", "redis", "redis-semantic", "disk")
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]+\]")
_URL: Final = re.compile(r"(?:rediss?|unix)://\S+")
_TTLS: Final = ("ttl", "default_in_redis_ttl", "default_in_memory_ttl")
_PORTS: Final = 65_535
_LONGEST: Final = 30 * 86_400
_DATABASES: Final = 1000
_CALLS: Final = frozenset(
    {"completion", "acompletion", "text_completion", "atext_completion", "embedding", "aembedding"}
)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Caching:
    """Reads ``cache`` and ``cache_params`` of LiteLLM's ``library`` section."""

    def __init__(self, library: Fields, values: Values, notes: Notes) -> None:
        self._wanted = library.take("cache")
        self._params = library.below("cache_params")
        self._path = library.at("cache")
        self._values = values
        self._notes = notes
        # Every field is in Forebay's keys as it is.
        library.take("enable_caching_on_provider_specific_optional_params")

    def section(self) -> Options:
        """The section ``cache``; nothing where there is to be none."""
        section = self._section() if self._wanted is True else {}
        if self._wanted not in (None, True, False):
            self._notes.add(self._path, "is neither true nor false")
        if self._wanted is not True:
            reason = "belongs to a cache that is off"
        else:
            reason = "has no counterpart in Forebay's cache"
        self._params.tell(reason)
        return section

    def _section(self) -> Options:
        params = self._params
        kind = params.text("type") or "redis"
        if kind not in _KINDS:
            self._notes.add(params.at("type"), f"{quoted(kind)} is no store of Forebay's", "see docs/caching.md")
            return {}
        if params.text("mode") == "default_off":
            self._notes.add(
                params.at("mode"),
                "keeps only what asks for it, which Forebay's cache cannot",
                "write 'cache' with 'off' for models, as docs/caching.md has it",
            )
            return {}
        store = self._store(kind)
        if store is None:
            return {}
        section: Options = {"store": store}
        if ttl := self._ttl():
            section["ttl"] = ttl
        namespace = params.text("namespace")
        if namespace:
            section["namespace"] = self._values.plain(namespace[:128], params.at("namespace"))
        self._tell_calls()
        if kind == "redis-semantic":
            section[SEMANTIC] = {"index": "local"}
            self._tell_threshold()
        return section

    def _store(self, kind: str) -> Options | None:
        if kind == "local":
            return {"kind": "memory"}
        if kind == "disk":
            path = self._params.text("disk_cache_dir") or ".litellm_cache"
            self._notes.add(self._params.at("type"), "is a file of SQLite's in Forebay; it begins empty")
            return {
                "kind": "sqlite",
                "path": f"{self._values.plain(path, self._params.at('disk_cache_dir'))}/forebay.db",
            }
        url = self._url()
        if url is None:
            return None
        store: Options = {"kind": "redis", "url": url}
        most = self._whole("max_connections", 1, 10**6)
        if most is not None:
            store["max_connections"] = most
        return store

    def _url(self) -> str | None:
        """The URL of the Redis; a password in it is a reference."""
        params = self._params
        given = params.text("url") or params.text("redis_url")
        if given:
            if not given.startswith(PREFIX) and not _URL.fullmatch(given):
                self._notes.add(params.at("url"), "is no URL of a Redis", "write 'cache.store' into the new file")
                return None
            return self._values.secret(given, params.at("url"), "REDIS_URL")
        scheme = "rediss" if params.flag("ssl") else "redis"
        host = self._part("host", _HOST)
        port = self._port()
        if host is None or port is None:
            return None
        return f"{scheme}://{self._who()}{host}:{port}/{self._database()}"

    def _part(self, name: str, form: re.Pattern[str]) -> str | None:
        """What stands at ``name``, or LiteLLM's variable for it; ``None`` if it cannot stand in a URL."""
        value = self._params.text(name)
        if not value:
            return self._reference(f"REDIS_{name.upper()}", name)
        if value.startswith(PREFIX):
            return self._reference(value.removeprefix(PREFIX).strip(), name)
        if form.fullmatch(value):
            return value
        self._notes.add(self._params.at(name), "cannot stand in a URL", "write 'cache.store' into the new file")
        return None

    def _port(self) -> str | None:
        value = self._params.number("port")
        if value is None:
            return "6379"
        if isinstance(value, str) and value.startswith(PREFIX):
            return self._reference(value.removeprefix(PREFIX).strip(), "port")
        text = str(value)
        if text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= _PORTS:
            return text
        self._notes.add(self._params.at("port"), "is no port", "write 'cache.store' into the new file")
        return None

    def _who(self) -> str:
        name, password = self._params.text("username"), self._params.text("password")
        if not password:
            return ""
        reference = self._values.secret(password, self._params.at("password"), "REDIS_PASSWORD")
        self._notes.add(
            self._params.at("password"),
            "stands in a URL in the new file",
            "percent-encode what its variable holds, if it has other signs than letters and digits",
        )
        return f"{quote(name, safe='')}:{reference}@" if not name.startswith(PREFIX) else f":{reference}@"

    def _database(self) -> int:
        return self._whole("db", 0, _DATABASES - 1) or 0

    def _whole(self, name: str, least: int, most: int) -> int | None:
        """The whole number of ``name``; anything else is told."""
        value = self._params.amount(name)
        if value is None or (value == value // 1 and least <= value <= most):
            return None if value is None else int(value)
        self._notes.add(self._params.at(name), f"is no whole number from {least} to {most}")
        return None

    def _reference(self, name: str, key: str) -> str | None:
        if not _VARIABLE.fullmatch(name):
            self._notes.add(self._params.at(key), "refers to a variable whose name Forebay cannot read")
            return None
        return self._values.secret(PREFIX + name, self._params.at(key), name)

    def _ttl(self) -> str:
        """The first time to live that there is, as Forebay writes it."""
        found = ""
        for name in _TTLS:
            value = self._params.number(name)
            if value is None:
                continue
            if isinstance(value, str) or not 0 < value <= _LONGEST:
                self._notes.add(self._params.at(name), "is no number of seconds that an entry may live")
            elif not found:
                found = f"{value:.3f}".rstrip("0").rstrip(".") + "s"
        return "" if found == "0s" else found

    def _tell_calls(self) -> None:
        """Forebay keeps chats, completions and embeddings; more or less than that is told."""
        path, value = self._params.at("supported_call_types"), self._params.take("supported_call_types")
        if not isinstance(value, list):
            if value is not None:
                self._notes.add(path, "is no list")
            return
        named = {each for each in value if isinstance(each, str)}
        if named - _CALLS:
            self._notes.add(path, "names calls that Forebay does not keep: it keeps chats, completions and embeddings")
        kinds = {name.removeprefix("a") for name in named & _CALLS}
        if len(kinds) < len(_CALLS) // 2:
            self._notes.add(
                path,
                "leaves out calls that Forebay keeps",
                "write 'cache: \"off\"' for models that should keep nothing",
            )

    def _tell_threshold(self) -> None:
        for name in ("similarity_threshold", "redis_semantic_cache_embedding_model", "redis_semantic_cache_index_name"):
            if self._params.take(name) is not None:
                self._notes.add(
                    self._params.at(name),
                    "belongs to vectors of another model; Forebay has its own, and verifies what is near",
                    "see docs/semantic-cache.md",
                )
