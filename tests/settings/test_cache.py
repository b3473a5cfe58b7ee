"""How a cache is written down, in full and in short."""

import pytest

from forebay.settings import Settings, SettingsError, cache_settings, load
from forebay.settings.document import plain


def read(text: str) -> Settings:
    return load(text, source="x.yaml", environ={"REDIS": "redis://h:1/2"})


@pytest.mark.parametrize("text", ["", "cache: off", "cache:", "cache: false"])
def test_there_is_none_unless_it_is_configured(text: str) -> None:
    assert read(text).cache is None


@pytest.mark.parametrize(
    ("text", "store"),
    [
        ("cache: memory", {"kind": "memory"}),
        ("cache: sqlite:/x/y.db", {"kind": "sqlite", "path": "/x/y.db"}),
        ("cache: redis://h:1/2", {"kind": "redis", "url": "redis://h:1/2"}),
        ("cache: ${REDIS}", {"kind": "redis", "url": "redis://h:1/2"}),
        ("cache: {store: memory, ttl: 1m}", {"kind": "memory"}),
        ("cache: {store: {kind: memory, max_bytes: 1MiB}}", {"kind": "memory", "max_bytes": "1MiB"}),
    ],
)
def test_a_store_may_be_written_in_short(text: str, store: dict[str, str]) -> None:
    cache = read(text).cache
    assert cache is not None
    assert plain(cache.store.entries) == store


def test_a_semantic_index_is_forebay_s_own_unless_it_is_another() -> None:
    for text, kind in (("{}", "local"), ("{index: mine}", "mine"), ("{index: {kind: mine, x: 1}}", "mine")):
        cache = read(f"cache: {{store: memory, semantic: {text}}}").cache
        assert cache is not None
        assert cache.semantic is not None
        assert cache.semantic.index.kind == kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('cache: "sqlite:"', "x.yaml:1: cache: expected a kind such as memory, sqlite:PATH"),
        ("cache: memory:x", "expected a kind"),
        ("cache: {}", "cache.store: is missing"),
        ("cache: {store: memory, tll: 1}", "unknown key 'tll'; did you mean 'ttl'?"),
        ("cache: {store: memory, ttl: 0}", "cache.ttl: must be more than 0"),
        ("cache: [1]", "cache: expected"),
        ("models: {m: {provider: p, cache: maybe}}\nproviders: {p: {kind: openai}}", "expected"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(text)
    assert told in str(error.value)


def test_the_command_line_says_the_same() -> None:
    assert cache_settings("off") is None
    found = cache_settings("sqlite:x")
    assert found is not None
    assert plain(found.store.entries) == {"kind": "sqlite", "path": "x"}
    with pytest.raises(ValueError, match="expected a kind"):
        cache_settings(":")
