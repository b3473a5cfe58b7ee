"""LiteLLM's caches on their way to Forebay's."""

from typing import Any

import pytest

from tests.migrate.test_litellm import carried, model, new, paths

REDIS = "redis://${REDIS_HOST}:6379/0"


def cached(*, cache: Any = True, **params: Any) -> Any:
    return carried({"model_list": [model("a", "groq/x")], "litellm_settings": {"cache": cache, "cache_params": params}})


@pytest.mark.parametrize(
    ("params", "section"),
    [
        ({"type": "local", "ttl": 600}, {"store": {"kind": "memory"}, "ttl": "600s"}),
        ({}, {"store": {"kind": "redis", "url": REDIS}}),
        (
            {"type": "redis", "host": "h.example", "port": "6380", "ssl": True, "db": 2, "namespace": "n"},
            {"store": {"kind": "redis", "url": "rediss://h.example:6380/2"}, "namespace": "n"},
        ),
        (
            {"type": "redis", "host": "os.environ/H", "default_in_redis_ttl": 60.5, "max_connections": 10},
            {"store": {"kind": "redis", "url": "redis://${H}:6379/0", "max_connections": 10}, "ttl": "60.5s"},
        ),
        (
            {"type": "disk", "disk_cache_dir": "/tmp/c"},
            {"store": {"kind": "sqlite", "path": "/tmp/c/forebay.db"}},
        ),
    ],
)
def test_stores(params: dict[str, Any], section: dict[str, Any]) -> None:
    assert new(cached(**params))["cache"] == section


def test_a_password_becomes_a_variable_in_the_url() -> None:
    found = cached(type="redis", host="h", password="hunter7")
    assert new(found)["cache"]["store"]["url"] == "redis://:${REDIS_PASSWORD}@h:6379/0"
    assert "hunter7" not in found.text
    assert found.secrets == {"REDIS_PASSWORD": "litellm_settings.cache_params.password"}
    assert paths(found) == ["litellm_settings.cache_params.password"]


def test_a_semantic_cache_is_one_of_every_model_and_its_threshold_is_told() -> None:
    found = cached(type="redis-semantic", host="h", similarity_threshold=0.8)
    file = new(found)
    assert file["cache"]["semantic"] == {"index": "local"}
    assert [each["cache"] for each in file["models"].values()] == ["semantic"]
    assert paths(found) == ["litellm_settings.cache_params.similarity_threshold"]


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"type": "s3", "s3_bucket_name": "b"}, "type"),
        ({"type": "local", "mode": "default_off"}, "mode"),
        ({"type": "redis", "host": "a b"}, "host"),
        ({"type": "redis", "host": "h", "port": 99999}, "port"),
        ({"type": "redis", "url": "http://x"}, "url"),
        ({"type": "redis", "host": "os.environ/"}, "host"),
    ],
)
def test_what_cannot_be_is_told_and_there_is_no_cache(params: dict[str, Any], path: str) -> None:
    found = cached(**params)
    assert "cache" not in new(found)
    assert f"litellm_settings.cache_params.{path}" in paths(found)


def test_other_calls_than_forebay_keeps_are_told() -> None:
    kept = ["acompletion", "atext_completion", "aembedding"]
    assert paths(cached(type="local", supported_call_types=kept)) == []
    for other in ([*kept, "atranscription"], ["acompletion"]):
        found = cached(type="local", supported_call_types=other)
        assert paths(found) == ["litellm_settings.cache_params.supported_call_types"]


def test_a_cache_that_is_off_is_none() -> None:
    found = cached(cache=False, type="redis")
    assert "cache" not in new(found)
    assert paths(found) == ["litellm_settings.cache_params.type"]
