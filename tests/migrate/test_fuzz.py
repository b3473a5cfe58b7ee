"""Whatever stands in a file: a clear error, or a configuration that can be used, and no secret in it."""

import re
from typing import Any

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from forebay import generation
from forebay.migrate.litellm import Imported, imported
from forebay.migrate.reading import ForeignError
from forebay.settings import load

PLAIN = "sk-plain-and-open-4711"
NAMES = ("model", "model_name", "custom_llm_provider")
PARAMS = [
    "api_key",
    "api_base",
    "api_version",
    "rpm",
    "weight",
    "order",
    "timeout",
    "stream_timeout",
    "extra_headers",
    "input_cost_per_token",
    "output_cost_per_token",
    "drop_params",
    "organization",
    "aws_region_name",
    "litellm_credential_name",
    "custom_llm_provider",
]
OTHERS = [
    "model_list",
    "model_name",
    "litellm_params",
    "model",
    "model_info",
    "credential_list",
    "credential_name",
    "credential_values",
    "router_settings",
    "litellm_settings",
    "general_settings",
    "environment_variables",
    "guardrails",
    "routing_strategy",
    "num_retries",
    "allowed_fails",
    "fallbacks",
    "cooldown_time",
    "context_window_fallbacks",
    "default_fallbacks",
    "model_group_alias",
    "master_key",
    "request_timeout",
    "disable_cooldowns",
    "cache",
    "cache_params",
    "json_logs",
    "set_verbose",
]
TEXTS = [
    "gpt-4o",
    "openai/*",
    "openai/x",
    "azure/x",
    "bedrock/x",
    "watsonx/x",
    "a",
    "*",
    "a/*",
    "os.environ/X",
    "os.environ/",
    "http://h:1/v1",
    "${X}",
    "${",
    "1e3",
    "010",
    "yes",
    "simple-shuffle",
    "os.environ/a-b",
]

keys = st.sampled_from([*PARAMS, *OTHERS]) | st.text(max_size=5)
texts = st.text(max_size=8) | st.sampled_from(TEXTS)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.dates()
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
params = st.fixed_dictionaries({"model": texts}, optional=dict.fromkeys(PARAMS, anything))
entries = st.fixed_dictionaries({"model_name": texts, "litellm_params": params}, optional={"model_info": anything})
sections = st.dictionaries(keys, anything, max_size=5)
names = st.sampled_from(["a", "b", "a/*", "c"])
routers = st.fixed_dictionaries(
    {},
    optional={
        "fallbacks": st.lists(st.dictionaries(names, st.lists(names, max_size=3), max_size=2), max_size=2),
        "default_fallbacks": st.lists(names),
        "model_group_alias": st.dictionaries(names, names | st.fixed_dictionaries({"model": names, "hidden": leaves})),
        "num_retries": leaves,
        "timeout": leaves,
        "allowed_fails": leaves,
        "cooldown_time": leaves,
        "routing_strategy": texts,
    },
)
stores = st.fixed_dictionaries(
    {"cache": st.just(value=True) | leaves},
    optional={
        "cache_params": st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["local", "redis", "redis-semantic", "disk", "s3"]) | leaves,
                **dict.fromkeys(("host", "port", "password", "username", "db", "ssl", "url", "ttl"), anything),
                **dict.fromkeys(("namespace", "max_connections", "mode", "supported_call_types"), anything),
            },
        )
    },
)
modes = st.sampled_from(["pre_call", "post_call", "logging_only"])
guards = st.fixed_dictionaries(
    {"guardrail_name": texts},
    optional={
        "litellm_params": st.fixed_dictionaries(
            {"guardrail": st.sampled_from(["presidio", "hide-secrets", "aporia"]) | leaves},
            optional={
                "mode": modes | st.lists(modes) | anything,
                "default_on": leaves,
                "pii_entities_config": st.dictionaries(texts, st.sampled_from(["MASK", "BLOCK"])) | anything,
                "presidio_language": leaves,
            },
        )
    },
)
files = st.fixed_dictionaries(
    {"model_list": st.lists(entries | anything, max_size=4)},
    optional={
        "litellm_settings": sections | routers | stores,
        "guardrails": st.lists(guards | anything, max_size=3),
        "router_settings": routers | anything,
        "general_settings": sections,
        "environment_variables": sections,
        "credential_list": anything,
    },
)


def check(found: Imported) -> None:
    """As ``forebay config check`` does it."""
    addresses = set(re.findall(r"(?:base_url|api_base): \$\{(\w+)\}", found.text))
    numbers = set(re.findall(r"(?:total|first_token|between_tokens|duration): \$\{(\w+)\}", found.text))
    assume(not addresses & numbers)
    stores = set(re.findall(r" url: \$\{(\w+)\}", found.text))
    assume(not stores & (addresses | numbers))
    environ = {name: "http://h:1/v1" if name in addresses else "1" for name in found.variables}
    environ |= dict.fromkeys(stores, "redis://h:1/0")
    read = load(found.text, source="new.yaml", environ=environ)
    generation.check(read)


@given(files | anything)
def test_any_file_is_an_error_or_a_configuration(tree: Any) -> None:
    try:
        found = imported(yaml.safe_dump(tree))
    except ForeignError:
        return
    check(found)


@given(st.text())
def test_any_text_is_an_error_or_a_configuration(text: str) -> None:
    try:
        check(imported(text))
    except ForeignError:
        return


@given(
    st.dictionaries(
        keys.filter(lambda name: name not in NAMES), st.just(PLAIN) | st.just([PLAIN]) | st.just({"a": PLAIN})
    )
)
def test_a_secret_is_never_copied_wherever_it_stands(spoilt: dict[str, Any]) -> None:
    models = [{"model_name": "a", "litellm_params": {"model": f"{name}/x", **spoilt}} for name in ("groq", "watsonx")]
    sections = ("litellm_settings", "router_settings", "general_settings", "environment_variables")
    found = imported(yaml.safe_dump({**dict.fromkeys(sections, spoilt), "model_list": [*models, spoilt], "x": PLAIN}))
    check(found)
    assert PLAIN not in found.text + "".join(map(str, found.notes))
