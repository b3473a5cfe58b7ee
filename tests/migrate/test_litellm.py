"""LiteLLM's configurations on their way to Forebay's."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from forebay import generation
from forebay.migrate.litellm import Imported, imported
from forebay.migrate.reading import ForeignError
from forebay.settings import Settings, load

PLAIN = "sk-plain-and-open-4711"


def carried(tree: Any) -> Imported:
    return imported(yaml.safe_dump(tree), "old.yaml")


def settings(found: Imported) -> Settings:
    """The new file, read and checked as ``forebay config check`` does it."""
    environ = {name: "http://127.0.0.1:1/v1" if "BASE" in name else "1" for name in found.variables}
    read = load(found.text, source="new.yaml", environ=environ)
    generation.check(read)
    return read


def new(found: Imported) -> Any:
    settings(found)
    return yaml.safe_load(found.text)


def model(name: str, asked: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": asked, **params}}


def paths(found: Imported) -> list[str]:
    return [note.path for note in found.notes]


def test_a_group_of_deployments() -> None:
    azure = model("gpt", "azure/mine", api_base="https://x.openai.azure.com", api_key="os.environ/AZURE_KEY", weight=3)
    azure["litellm_params"] |= {"api_version": "2024-10-21", "timeout": 30, "stream_timeout": 0.5}
    found = carried({"model_list": [azure, model("gpt", "gpt-4o", api_key="os.environ/OPENAI_KEY", weight=1)]})
    assert new(found) == {
        "providers": {
            "azure": {
                "kind": "azure",
                "api_key": "${AZURE_KEY}",
                "base_url": "https://x.openai.azure.com",
                "api_version": "2024-10-21",
            },
            "openai": {"kind": "openai", "vendor": "openai", "api_key": "${OPENAI_KEY}"},
        },
        "models": {
            "gpt": {
                "deployments": [
                    {
                        "provider": "azure",
                        "model": "mine",
                        "timeouts": {"total": "30s", "first_token": "0.5s", "between_tokens": "0.5s"},
                        "weight": 3.0,
                    },
                    {"provider": "openai", "model": "gpt-4o", "weight": 1.0},
                ],
                "strategy": "weighted",
            }
        },
    }
    assert found.variables == ("AZURE_KEY", "OPENAI_KEY")
    assert paths(found) == ["model_list[0].litellm_params.timeout"]


@pytest.mark.parametrize(
    ("asked", "params", "options", "rest"),
    [
        ("anthropic/claude-x", {}, {"kind": "anthropic", "api_key": "${ANTHROPIC_API_KEY}"}, "claude-x"),
        ("claude-x", {}, {"kind": "anthropic", "api_key": "${ANTHROPIC_API_KEY}"}, "claude-x"),
        ("groq/llama", {}, {"kind": "openai", "vendor": "groq", "api_key": "${GROQ_API_KEY}"}, "llama"),
        ("together_ai/a/b", {}, {"kind": "openai", "vendor": "together", "api_key": "${TOGETHER_API_KEY}"}, "a/b"),
        (
            "fireworks_ai/m",
            {},
            {"kind": "openai", "vendor": "fireworks", "api_key": "${FIREWORKS_API_KEY}"},
            "accounts/fireworks/models/m",
        ),
        ("gemini/g", {}, {"kind": "gemini", "api_key": "${GEMINI_API_KEY}"}, "g"),
        ("ollama_chat/l", {"api_base": "http://h:1"}, {"kind": "ollama", "base_url": "http://h:1"}, "l"),
        ("hosted_vllm/m", {"api_base": "http://h:1/v1"}, {"kind": "openai", "base_url": "http://h:1/v1"}, "m"),
        ("bedrock/converse/m", {"aws_region_name": "eu-west-1"}, {"kind": "bedrock", "region": "eu-west-1"}, "m"),
        (
            "bedrock/invoke/m",
            {"aws_region_name": "eu-west-1"},
            {"kind": "litellm", "provider": "bedrock", "params": {"aws_region_name": "eu-west-1"}},
            "invoke/m",
        ),
        (
            "bedrock/m",
            {"aws_region_name": "eu-west-1", "aws_role_name": "r"},
            {
                "kind": "litellm",
                "provider": "bedrock",
                "params": {"aws_region_name": "eu-west-1", "aws_role_name": "r"},
            },
            "m",
        ),
        (
            "watsonx/ibm/g",
            {"api_base": "https://x", "project_id": "p", "zen_api_key": "os.environ/Z"},
            {
                "kind": "litellm",
                "provider": "watsonx",
                "api_base": "https://x",
                "params": {"project_id": "p"},
                "secrets": {"zen_api_key": "${Z}"},
            },
            "ibm/g",
        ),
    ],
)
def test_who_answers_for_which_prefix(asked: str, params: dict[str, Any], options: dict[str, Any], rest: str) -> None:
    found = carried({"model_list": [model("m", asked, **params)]})
    file = new(found)
    assert list(file["providers"].values()) == [options]
    assert file["models"]["m"]["deployments"][0]["model"] == rest
    assert not found.notes


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://tgi:8080", "http://tgi:8080/v1"),
        ("http://tgi:8080/", "http://tgi:8080/v1"),
        ("http://tgi:8080/v1", "http://tgi:8080/v1"),
        ("http://tgi:8080/v1/chat/completions", "http://tgi:8080/v1"),
    ],
)
def test_an_address_of_hugging_face_ends_as_litellm_makes_it_end(given: str, address: str) -> None:
    found = carried({"model_list": [model("m", "huggingface/tgi", api_base=given)]})
    assert new(found)["providers"] == {
        "huggingface": {"kind": "openai", "vendor": "huggingface", "base_url": address},
    }
    assert not found.notes


def test_an_address_that_a_variable_tells_cannot_be_mended() -> None:
    found = carried({"model_list": [model("m", "huggingface/tgi", api_base="os.environ/TGI_BASE")]})
    assert new(found)["providers"]["huggingface"]["base_url"] == "${TGI_BASE}"
    assert paths(found) == ["model_list[0].litellm_params.api_base"]


@pytest.mark.parametrize("name", ["whisper-1", "tts-1", "tts-1-hd", "dall-e-3", "omni-moderation-latest"])
def test_models_of_openai_need_no_prefix(name: str) -> None:
    found = carried({"model_list": [model("m", name)]})
    assert new(found)["providers"]["openai"]["kind"] == "openai"
    assert not found.notes


@pytest.mark.parametrize("name", ["cohere/rerank-v3.5", "rerank-english-v3.0"])
def test_a_ranking_model_of_cohere_is_told(name: str) -> None:
    (note,) = carried({"model_list": [model("m", name)]}).notes
    assert note.path == "model_list[0].litellm_params.model"
    assert "/v1/rerank" in note.why


def test_a_secret_is_never_copied() -> None:
    headers = {"Authorization": "Bearer tok", "x-a": "b"}
    found = carried(
        {
            "model_list": [
                model("a", "openai/x", api_key=PLAIN),
                model("b", "openai/y", api_key=PLAIN),
                model("c", "openai/z", api_key="another-one", extra_headers=headers),
                model("d", "watsonx/z", api_base="https://me:hunter2@example.com", wx_password="hunter3"),
            ],
            "general_settings": {"master_key": "sk-1234", "database_url": "postgres://me:hunter4@h/db"},
            "environment_variables": {"LANGFUSE_SECRET": "hunter5"},
            "litellm_settings": {"cache_params": {"password": "hunter6"}},
        }
    )
    shown = found.text + "".join(map(str, found.notes))
    for secret in (PLAIN, "another-one", "Bearer", "hunter", "sk-1234"):
        assert secret not in shown
    file = new(found)
    assert [each["api_key"] for each in list(file["providers"].values())[:2]] == [
        "${OPENAI_API_KEY}",
        "${OPENAI_API_KEY_2}",
    ]
    assert file["providers"]["openai-2"]["headers"]["x-a"] == "b"
    assert file["auth"] == {"keys": [{"key": "${LITELLM_MASTER_KEY}", "name": "master", "admin": True}]}
    assert found.secrets["OPENAI_API_KEY"] == "model_list[0].litellm_params.api_key"
    assert "OPENAI_API_KEY: model_list[0]" in found.text


@pytest.mark.parametrize("key", [12, "", " ", None, True, [PLAIN], {"a": PLAIN}])
def test_a_master_key_that_is_none_still_leaves_no_open_server(key: object) -> None:
    other = model("a", "openai/x", api_key="os.environ/LITELLM_MASTER_KEY")
    found = carried({"model_list": [other], "general_settings": {"master_key": key}})
    assert new(found)["auth"]["keys"][0]["key"] == "${LITELLM_MASTER_KEY_2}"
    assert paths(found) == ["general_settings.master_key"]
    assert PLAIN not in found.text
    assert not found.secrets


def test_a_secret_gets_no_name_that_the_file_uses_for_another() -> None:
    models = [model("a", "openai/x", api_key=PLAIN), model("b", "openai/y", api_key="os.environ/OPENAI_API_KEY")]
    providers = new(carried({"model_list": models}))["providers"]
    assert [each["api_key"] for each in providers.values()] == ["${OPENAI_API_KEY_2}", "${OPENAI_API_KEY}"]


def test_how_the_router_routes() -> None:
    found = carried(
        {
            "model_list": [model("a", "groq/x"), model("a", "xai/x"), model("b", "groq/y"), model("c", "groq/z")],
            "router_settings": {
                "routing_strategy": "latency-based-routing",
                "num_retries": 3,
                "timeout": 60,
                "allowed_fails": 2,
                "cooldown_time": 20,
                "model_group_alias": {"best": "a", "quiet": {"model": "b", "hidden": True}},
                "fallbacks": [{"a": ["b", "gone"]}],
            },
            "litellm_settings": {"context_window_fallbacks": [{"a": ["c"]}], "default_fallbacks": ["c"]},
        }
    )
    models = new(found)["models"]
    assert models["a"]["strategy"] == "lowest-latency"
    assert "strategy" not in models["b"]
    assert models["a"]["retries"] == {"max": 3}
    assert models["a"]["cool_down"] == {"failures": 3, "window": "1m", "duration": "20s"}
    assert models["a"]["fallbacks"] == {"default": ["b"], "context_length": ["c"]}
    assert models["b"]["fallbacks"] == {"default": ["c"]}
    assert "fallbacks" not in models["c"]
    assert models["best"] == models["a"]
    assert models["b"]["deployments"][0]["timeouts"] == {"total": "60s"}
    assert paths(found) == [
        "router_settings.timeout",
        "router_settings.fallbacks[0].a",
        "router_settings.model_group_alias.quiet",
    ]


def test_the_order_of_deployments_is_kept() -> None:
    models = [model("a", "groq/second", order=2), model("a", "xai/first", order=1)]
    found = new(carried({"model_list": models}))["models"]["a"]
    assert [each["model"] for each in found["deployments"]] == ["first", "second"]
    assert found["strategy"] == "ordered"


def test_prices_are_for_a_million_tokens() -> None:
    text = """
model_list:
  - model_name: a
    litellm_params: {model: groq/x, input_cost_per_token: 3e-6}
    model_info: {output_cost_per_token: 0.00001}
  - model_name: b
    litellm_params: {model: groq/y, input_cost_per_token: 3e-6, output_cost_per_token: 0.00001}
"""
    assert new(imported(text))["prices"] == {"groq/y": {"input": 3.0, "output": 10.0}}


def test_wildcards() -> None:
    models = [model("groq/*", "groq/*"), model("*", "openai/*"), model("gpt-*", "openai/*"), model("x/*", "groq/y")]
    models += [model("*", "*"), model("*", "groq/x"), model("a", "groq/*")]
    found = carried({"model_list": models})
    assert list(new(found)["models"]) == ["groq/*"]
    assert [note.remedy for note in found.notes] == [
        f"{each} in the old file, and import that again"
        for each in (
            "name it 'openai/*'",
            "end it in '/*', or list the models,",
            "list them",
            "begin it with one",
            "list its models",
            "list its models",
            "end it in '/*', or list the models,",
        )
    ]


def test_the_hint_for_a_star_can_be_followed() -> None:
    (note,) = carried({"model_list": [model("*", "openai/*")]}).notes
    name = note.remedy.split("'")[1]
    found = carried({"model_list": [model(name, "openai/*")]})
    assert list(new(found)["models"]) == [name]
    assert not found.notes


def test_variables_of_what_is_left_out_are_not_asked_for() -> None:
    models = [model("*", "openai/*", api_key=PLAIN), model("b", "groq/y", api_key="os.environ/KEY")]
    found = carried({"model_list": models})
    assert (found.variables, dict(found.secrets)) == (("KEY",), {})
    assert "OPENAI_API_KEY" not in found.text


def test_nothing_is_dropped_in_silence() -> None:
    found = carried(
        {
            "model_list": [{**model("a", "groq/x", temperature=0.1, rpm=3, frob={"a": 1}), "more": 1}, "no mapping"],
            "litellm_settings": {"cache": True, "callbacks": ["langfuse"], "frob": 1, "drop_params": True},
            "router_settings": {"redis_host": "h", "enable_pre_call_checks": True, "frob": 1, "off": False},
            "general_settings": {"alerting": ["slack"], "database_url": "x"},
            "guardrails": [{"guardrail_name": "x", "litellm_params": {"guardrail": "aporia", "mode": "post_call"}}],
            "mcp_servers": {"a": {}},
            "environment_variables": {"A": "b"},
        }
    )
    new(found)
    assert sorted(paths(found)) == sorted(
        [
            "model_list[0].litellm_params.temperature",
            "model_list[0].litellm_params.rpm",
            "model_list[0].litellm_params.frob",
            "model_list[0].more",
            "model_list[1]",
            "litellm_settings.callbacks",
            "litellm_settings.frob",
            "router_settings.redis_host",
            "router_settings.enable_pre_call_checks",
            "router_settings.frob",
            "general_settings.alerting",
            "general_settings.database_url",
            "guardrails[0]",
            "mcp_servers",
            "environment_variables.A",
        ]
    )
    for note in found.notes:
        assert re.sub(r"\W+", "", str(note)) in re.sub(r"\W+", "", found.text)


def test_credentials_by_name() -> None:
    held = {"credential_name": "team", "credential_values": {"api_key": "os.environ/TEAM", "api_base": "http://h:1/v1"}}
    models = [
        model("a", "openai/x", litellm_credential_name="team"),
        model("b", "groq/x", litellm_credential_name="no"),
    ]
    found = carried({"credential_list": [held], "model_list": models})
    assert new(found)["providers"]["openai"] == {
        "kind": "openai",
        "api_key": "${TEAM}",
        "base_url": "http://h:1/v1",
    }
    assert paths(found) == ["model_list[1].litellm_params.litellm_credential_name"]


def test_a_provider_that_cannot_be_is_told() -> None:
    found = carried({"model_list": [model("a", "openai/x", api_base="no address"), model("b", "groq/y")]})
    assert list(new(found)["models"]) == ["b"]
    assert paths(found) == ["model_list[0].litellm_params"]


@pytest.mark.parametrize(
    "text",
    ["[1, 2]", "text", "{", "a: [", "\x00", "a: !!python/object:x {}", "a: &a [*a]", "? [1]\n: 2", "- " * 400 + "x"],
)
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(ForeignError):
        imported(text)


def test_aliases_cannot_expand_without_end() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in zip("abcdef", "bcdefg", strict=True)
    ]
    with pytest.raises(ForeignError, match="50000 values"):
        imported("\n".join(lines))


def test_the_example_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "litellm.md").read_text()
    (before,) = re.findall(r"^```yml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    found = imported(before)
    _, _, after = found.text.partition("\n\n")
    assert f"```yaml\n{after}```" in page
    assert not found.notes


def test_a_model_that_a_variable_tells_is_told() -> None:
    found = carried({"model_list": [model("a", "os.environ/MODEL")]})
    assert paths(found) == ["model_list[0].litellm_params.model"]


def test_a_key_of_the_environment_is_not_sent_elsewhere() -> None:
    (options,) = new(carried({"model_list": [model("a", "openai/x", api_base="http://h:1/v1")]}))["providers"].values()
    assert options == {"kind": "openai", "base_url": "http://h:1/v1"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}", "~"])
def test_an_empty_file(text: str) -> None:
    with pytest.raises(ForeignError, match="is empty"):
        imported(text)


def test_entries_that_are_left_out_are_named() -> None:
    nameless: list[Any] = [{"model_name": "a"}, {"litellm_params": {"model": "groq/x"}}, None, "a", {}]
    unfit = [model("*", "openai/*"), model("b", "os.environ/MODEL"), model("c", "openai/x", api_base="no address")]
    found = carried({"model_list": [*nameless, *unfit, model("d", "groq/y")]})
    assert list(new(found)["models"]) == ["d"]
    assert found.left_out == tuple(f"model_list[{number}]" for number in range(8))
    assert {path.partition("]")[0] + "]" for path in paths(found)} == set(found.left_out)


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        *(("params", each, "abc") for each in ("weight", "rpm", "tpm", "order", "input_cost_per_token")),
        *(("params", each, -5) for each in ("weight", "rpm", "max_parallel_requests", "timeout", "order")),
        *(("params", each, True) for each in ("weight", "rpm", "timeout")),
        ("params", "timeout", "never"),
        ("params", "stream_timeout", [1]),
        ("params", "drop_params", "maybe"),
        ("params", "api_key", 12),
        ("params", "api_key", [1]),
        ("router_settings", "timeout", "never"),
        ("router_settings", "stream_timeout", "inf"),
        ("router_settings", "cooldown_time", "x"),
        ("router_settings", "disable_cooldowns", "x"),
        ("router_settings", "num_retries", "x"),
        ("router_settings", "allowed_fails", -1),
        ("router_settings", "fallbacks", "x"),
        ("litellm_settings", "request_timeout", "x"),
        ("litellm_settings", "cooldown_time", 0),
        ("litellm_settings", "drop_params", "x"),
        ("litellm_settings", "json_logs", 1),
        ("litellm_settings", "set_verbose", "on"),
        ("litellm_settings", "cache", "x"),
    ],
)
def test_a_value_of_a_wrong_type_is_told(section: str, name: str, value: object) -> None:
    one = model("a", "groq/x", **({name: value} if section == "params" else {}))
    found = carried({"model_list": [one], **({section: {name: value}} if section != "params" else {})})
    new(found)
    before = "model_list[0].litellm_params" if section == "params" else section
    assert paths(found) == [f"{before}.{name}"]


@pytest.mark.parametrize(("name", "value"), [("db", "x"), ("db", 1.5), ("max_connections", 0), ("ssl", "x")])
def test_a_value_of_a_wrong_type_of_a_cache_is_told(name: str, value: object) -> None:
    params = {"type": "redis", "host": "h", name: value}
    found = carried({"litellm_settings": {"cache": True, "cache_params": params}})
    assert paths(found) == [f"litellm_settings.cache_params.{name}"]


def test_a_number_may_be_quoted() -> None:
    models = [model("a", "groq/x", weight="3", timeout="30"), model("a", "xai/x", weight=1)]
    first, second = new(carried({"model_list": models}))["models"]["a"]["deployments"]
    assert (first["weight"], second["weight"], first["timeouts"]) == (3.0, 1.0, {"total": "30s"})
