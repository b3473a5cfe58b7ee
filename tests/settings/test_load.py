"""A settings file as its author meets it: what it says, and everything that is wrong in it."""

import pickle
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forebay.core.types import Price, TimeOuts
from forebay.settings import (
    DeploymentSettings,
    KeySettings,
    LogSettings,
    ModelSettings,
    Problem,
    Secret,
    ServerSettings,
    Settings,
    SettingsError,
    TimeOutSettings,
    load,
    load_file,
)

ENVIRON = {"KEY": "s3cr3t-value", "NUMBER": "8081", "EMPTY": "", "FLAG": "true"}


def loaded(text: str) -> Settings:
    return load(text, source="f.yaml", environ=ENVIRON)


def problems(text: str) -> list[str]:
    """The problems of a text that has some, as they are printed, less the file's name."""
    with pytest.raises(SettingsError) as caught:
        loaded(text)
    return [line.removeprefix("f.yaml:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}", "null", "server:\nmodels:\nauth: {keys: }\n"])
def test_nothing_said_is_all_defaults(text: str) -> None:
    assert loaded(text) == Settings()


def test_server_and_log() -> None:
    settings = loaded(
        "server: {host: 0.0.0.0, port: 0, workers: 2, body_limit: 1MiB, keep_alive: 1m30s, body_timeout: 5}\n"
        "log: {level: debug, format: json, requests: false}\n"
    )
    assert settings.server == ServerSettings(
        host="0.0.0.0", port=0, workers=2, body_limit=1024**2, keep_alive=90.0, body_timeout=5.0
    )
    assert settings.log == LogSettings(level="debug", format="json", requests=False)


def test_models_in_short_and_long_form() -> None:
    settings = loaded(
        """
providers: {openai: {kind: openai}, local: {kind: engine}}
models:
  gpt: {provider: openai, model: gpt-4o}
  gpt-4.1: {provider: openai}
  both:
    deployments:
      - {provider: local, model: smol, timeouts: {connect: 1s, total: 2m}}
      - provider: openai
  openai/*: {provider: openai}
  meta/*: {provider: openai, model: meta-llama/*}
"""
    )
    assert settings.models == {
        "gpt": ModelSettings((DeploymentSettings("openai", "gpt-4o"),)),
        "gpt-4.1": ModelSettings((DeploymentSettings("openai", "gpt-4.1"),)),
        "both": ModelSettings(
            (
                DeploymentSettings("local", "smol", TimeOutSettings(connect=1.0, total=120.0)),
                DeploymentSettings("openai", "both"),
            )
        ),
        "openai/*": ModelSettings((DeploymentSettings("openai", "*"),)),
        "meta/*": ModelSettings((DeploymentSettings("openai", "meta-llama/*"),)),
    }
    assert isinstance(settings.models["gpt"].deployments[0].timeouts, TimeOuts)
    assert [section.kind for section in settings.providers.values()] == ["openai", "engine"]


def test_keys_are_secret() -> None:
    settings = loaded("auth: {keys: [{key: '${KEY}', name: a}, {key: k2, name: b, tenant: t, models: [x]}]}")
    assert settings.auth.keys == (
        KeySettings(Secret("s3cr3t-value"), "a"),
        KeySettings(Secret("k2"), "b", "t", ("x",)),
    )
    assert "s3cr3t" not in repr(settings)


def test_settings_can_be_sent_to_a_worker() -> None:
    settings = loaded("auth: {keys: [{key: k, name: a}]}\nproviders: {o: {kind: openai, api_key: '${KEY}'}}")
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_everything_wrong_is_told_at_once_with_line_and_path() -> None:
    assert problems(
        """\
server:
  prot: 80
  port: high
  workers: 0
  header_timeout: 10 parsecs
  body_limit:
    - 1
surver: {}
auth:
  keys:
    - name: a
      key: 7
    - key: k
models:
  a.b: {provider: nowhere}
log: [text]
"""
    ) == [
        "2: server.prot: unknown key 'prot'; did you mean 'port'?",
        "3: server.port: expected an integer, got a string",
        "4: server.workers: must be at least 1",
        "5: server.header_timeout: expected a duration, such as 30s, got '10 parsecs'",
        "6: server.body_limit: expected a size in bytes, such as 20MiB, got a list",
        "8: surver: unknown key 'surver'; did you mean 'server'?",
        "12: auth.keys[0].key: expected a string, got an integer",
        "13: auth.keys[1].name: is missing, and has no default",
        "15: models.\"a.b\".provider: unknown provider 'nowhere'; none is configured",
        "16: log: expected a mapping, got a list",
    ]


def test_problems_are_data_too() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded("\nserver: {port: []}")
    assert caught.value.source == "f.yaml"
    assert caught.value.problems == (Problem(2, "server.port", "expected an integer, got a list"),)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "1: expected a mapping, got a list"),
        ("a", "1: expected a mapping, got a string"),
        ("server: {port: 1}\nlog: {}\nserver: {port: 2}", "3: server: stands in line 1 already"),
        ("server:\n  port: 1\n  port: 1", "3: server.port: stands in line 2 already"),
        ("server: {port: 70000}", "1: server.port: must be at most 65535"),
        ("server: {port: true}", "1: server.port: expected an integer, got true or false"),
        ("server: {port: 80.0}", "1: server.port: expected an integer, got a number"),
        ("server: {host: ''}", "1: server.host: must have a length of at least 1"),
        ("server: {body_limit: -1}", "1: server.body_limit: must be at least 0"),
        ("server: {body_limit: 1.5}", "1: server.body_limit: expected a size in bytes, such as 20MiB, got a number"),
        ("server: {keep_alive: 1e999}", "1: server.keep_alive: expected a duration, such as 30s, got a number"),
        ("log: {format: jsn}", "1: log.format: expected 'text' or 'json', got 'jsn'; did you mean 'json'?"),
        ("log: {requests: yes}", "1: log.requests: expected true or false, got a string"),
        ("auth: {keys: [{key: '', name: a}]}", "1: auth.keys[0].key: must not be empty"),
        ("providers: {a: {}}", "1: providers.a.kind: is missing, and has no default"),
        ("providers: {a: openai}", "1: providers.a: expected a mapping, got a string"),
        ("providers:\n  a:\n    kind: 3", "3: providers.a.kind: expected a string, got an integer"),
        ("models: {a: {deployments: []}}", "1: models.a.deployments: must have a length of at least 1"),
        ("models: {a: {}}", "1: models.a.provider: is missing, and has no default"),
        ("models: {a: b}", "1: models.a: expected a mapping, got a string"),
        (f"models: {{{'a' * 513}: {{}}}}", "a model's name is longer than 512 characters"),
        ('models: {"a\\0b": {}}', "a model's name has characters that cannot be printed"),
        ("a: &x 1\nb: *x", "2: b: aliases ('*name') are not supported; write the value itself"),
        ("log: !!python/object:os.system {}", "1: log: tags ('!name') are not supported; write the plain value"),
        ("[a, b]: 1", "1: a key must be a plain string"),
        ("a: 1\n---\nb: 1", "2: has a second document ('---'); one file is one document"),
        ("a: [", "1: is not valid YAML: "),
        ("a: b: c", "1: is not valid YAML: mapping values are not allowed"),
        ("a: \x01", "1: is not valid YAML: a control character may not stand in it"),
        ("a: \ud800", "1: is not a text file of at most 1024 KiB in UTF-8"),
        ("server: {port: {a: ${KEY}}}", '; within { } a reference is quoted: "${NAME}"'),
    ],
)
def test_each_mistake(text: str, problem: str) -> None:
    assert any(problem in found for found in problems(text)), problems(text)


def test_a_provider_is_looked_up_by_its_nearest_name() -> None:
    text = """\
providers: {openai: {kind: openai}}
models:
  a: {deployments: [{provider: openai}, {provider: opneai}]}
  b: {provider: Openai, bogus: 1}
"""
    assert problems(text) == [
        "3: models.a.deployments[1].provider: unknown provider 'opneai'; did you mean 'openai'?",
        "4: models.b.provider: unknown provider 'Openai'; did you mean 'openai'?",
        "4: models.b.bogus: unknown key 'bogus'; known are: provider, model, timeouts, weight",
    ]


def test_only_the_end_of_a_model_is_wild() -> None:
    text = "providers: {o: {kind: o}}\nmodels: {'*': {provider: o}, a*b/*: {provider: o}, a*: {provider: o}}"
    assert [found.split(":")[1] for found in problems(text)] == [" models.*", " models.a*b/*", " models.a*"]


def test_keys_differ_and_know_their_models() -> None:
    text = """\
providers: {o: {kind: o}}
models: {gpt: {provider: o}, o/*: {provider: o}}
auth:
  keys:
    - {key: "${KEY}", name: a, models: [gpt, o/any]}
    - {key: s3cr3t-value, name: b, models: [gtp]}
    - {key: other, name: a}
"""
    assert problems(text) == [
        "6: auth.keys[1].key: is the same as auth.keys[0].key in line 5",
        "6: auth.keys[1].models[0]: unknown model 'gtp'; did you mean 'gpt'?",
        "7: auth.keys[2].name: is the same as auth.keys[0].name in line 5",
    ]


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("${KEY}", "s3cr3t-value"),
        ("'${KEY}'", "s3cr3t-value"),
        ('"http://${KEY}:${NUMBER}/"', "http://s3cr3t-value:8081/"),
        ("${NUMBER}", "8081"),
        ("${UNSET:-a b}", "a b"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${UNSET:-8}", "8"),
        ("$${KEY}", "${KEY}"),
        ("'$$${KEY}'", "$${KEY}"),
        ("$KEY $$ {KEY}", "$KEY $$ {KEY}"),
    ],
)
def test_variables_in_strings(written: str, host: str) -> None:
    assert loaded(f"server:\n  host: {written}").server.host == host


def test_an_unquoted_variable_is_what_it_looks_like() -> None:
    settings = loaded("server:\n  port: ${NUMBER}\n  workers: ${UNSET:-3}\n  body_limit: ${UNSET:-1KiB}\n")
    assert (settings.server.port, settings.server.workers, settings.server.body_limit) == (8081, 3, 1024)
    assert loaded("log:\n  requests: ${FLAG}").log.requests is True
    assert loaded("log:\n  format: ${UNSET:-json}").log.format == "json"
    assert problems('server: {port: "${NUMBER}"}') == ["1: server.port: expected an integer, got a string"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${UNSET}", "the environment variable UNSET is not set; ${UNSET:-default} would do without it"),
        ("'${'", "'${' begins no reference such as ${NAME}, ${NAME:-default}, ${file:PATH} or "),
        ("'${1}'", "'${' begins no reference"),
        ("'${A-b}'", "'${' begins no reference"),
        ("'${A:-b'", "'${' begins no reference"),
    ],
)
def test_variables_that_mean_nothing(written: str, message: str) -> None:
    (found,) = problems(f"server:\n  host: {written}\n")
    assert found.startswith(f"2: server.host: {message}")


def test_variables_that_are_no_text() -> None:
    for value, message in (("\udcff", "V is not valid UTF-8"), ("x" * 2**21, "is more than 1024 KiB")):
        with pytest.raises(SettingsError, match=message):
            load("server: {host: '${V}'}", source="f", environ={"V": value})


@pytest.mark.parametrize(
    "text",
    [
        "server:\n  port: ${KEY}",
        "server:\n  keep_alive: ${KEY}",
        "server: '${KEY}'",
        "log:\n  level: ${KEY}",
        "log:\n  requests: ${KEY}",
        "models:\n  a: {provider: '${KEY}'}",
        "models: {a: {provider: p}}\nauth: {keys: [{key: '${KEY}', name: n, models: ['${KEY}'], foo: 1}]}",
        "auth: {keys: [{key: '${KEY}', name: ['${KEY}']}, {key: '${KEY}', name: b}]}",
    ],
)
def test_no_message_shows_what_came_from_the_environment(text: str) -> None:
    assert "s3cr3t" not in "\n".join(problems(text))


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfserver: {port: 1}\r\n")
    assert load_file(path, {}).server.port == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, ": cannot be read: No such file or directory"),
        (b"a: 1\nb: \xff\n", ":2: is not in UTF-8"),
        (b"#" * 2**20 + b"\n", ":1: is not a text file of at most 1024 KiB in UTF-8"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "f.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_file(path, {})
    assert str(caught.value) == f"{path}{message}"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_file(tmp_path, {})


BOMBS = {
    "aliases": "a: &a [x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "depth": "[" * 100_000,
    "depth in blocks": "".join(" " * n + "a:\n" for n in range(1000)),
    "width": "a: [" + "x," * 200_000 + "]",
    "keys": "".join(f"k{n}: 1\n" for n in range(40_000)),
    "long keys": "".join(f"{'x' * 10_000}{n}: 1\n" for n in range(90)),
    "long nested keys": "".join(" " * n + f"{'k' * 1000}:\n" for n in range(14)) + (" " * 14 + "- [a, a]\n") * 10_000,
    "variables": "a: '" + "${BIG}" * 150_000 + "'",
    "unset variables": "a: '" + "${UNSET}" * 100_000 + "'",
    "providers": "providers: {"
    + ",".join(f"provider{n}: {{kind: x}}" for n in range(5000))
    + "}\nmodels: {"
    + ",".join(f"m{n}: {{provider: provoder{n}}}" for n in range(5000))
    + "}",
    "numbers": "server: {port: " + "9" * 500_000 + "}",
    "spaces": "a: '" + "${A:-" * 100_000 + "'",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_fizzle(name: str) -> None:
    began = time.process_time()
    with pytest.raises(SettingsError) as caught:
        load(BOMBS[name], source="f", environ={"BIG": "x" * 100_000})
    assert time.process_time() - began < 5
    assert len(caught.value.problems) <= 101
    assert all(len(problem.message) + len(problem.path) < 1500 for problem in caught.value.problems)


KEYS = [
    *("server", "auth", "providers", "models", "log", "port", "host", "keys", "key", "name", "kind", "provider"),
    *("model", "deployments", "timeouts", "level", "${KEY}", "a"),
]
SCALARS = st.one_of(
    st.sampled_from([*KEYS, "${UNSET:-3}", "${", "$${", "30s", "1MiB", "openai/*", "", None, 0, 1.5, True, 10**40]),
    st.text(max_size=5),
    st.floats(),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def settings_or_their_error(text: str) -> Settings | SettingsError:
    try:
        return load(text, source="f", environ=ENVIRON)
    except SettingsError as error:
        return error


def only_settings_or_their_error(text: str) -> None:
    found = settings_or_their_error(text)
    assert isinstance(found, Settings) or found.problems
    assert repr(found)
    assert str(found)


@given(st.text())
@example("? ")
@example("\x85: 1")
@example("%YAML 9.9\n---\n")
@example("%TAG ! tag:x,\n--- !a b")
@example("<<: {a: 1}")
@example("server: {port: 0x1F, host: =}")
@hypothesis_settings(deadline=None)
def test_any_text_is_settings_or_an_error(text: str) -> None:
    only_settings_or_their_error(text)


@given(st.text(alphabet="server:portkeysmdl \n-[]{}&*!|>'\"%@`#,?${}:-0123456789\t\x00\x85\u2028é"))
@hypothesis_settings(max_examples=500, deadline=None)
def test_any_yaml_like_text_is_settings_or_an_error(text: str) -> None:
    only_settings_or_their_error(text)


@given(TREES)
@hypothesis_settings(max_examples=500, deadline=None)
def test_any_tree_is_settings_or_an_error(tree: object) -> None:
    only_settings_or_their_error(yaml.safe_dump(tree, allow_unicode=True))


def test_a_strategy_is_a_name_or_a_section() -> None:
    settings = loaded(
        """
providers: {p: {kind: openai}}
models:
  a: {provider: p, strategy: weighted, retries: {max: 3}}
  b: {deployments: [{provider: p, weight: 0.5}], strategy: {kind: lowest-latency, tokens: 5}}
  c: {provider: p, strategy: ~}
"""
    )
    a, b, c = settings.models.values()
    assert a.strategy is not None
    assert (a.strategy.kind, a.retries.max, a.deployments) == ("weighted", 3, (DeploymentSettings("p", "a"),))
    assert b.strategy is not None
    assert (b.strategy.kind, b.deployments[0].weight) == ("lowest-latency", 0.5)
    assert c.strategy is None


def test_what_can_be_wrong_about_routing() -> None:
    assert problems(
        """
providers: {p: {kind: openai}}
models:
  a: {provider: p, strategy: [x], retries: {max: 99, errors: [always]}}
  b: {provider: p, fallbacks: {default: [b, aa]}, hedge: {after: p99}}
  c: {provider: p, health: {interval: 0, path: models}}
"""
    ) == [
        "4: models.a.strategy: expected a mapping, got a list",
        "4: models.a.retries.max: must be at most 10",
        (
            "4: models.a.retries.errors[0]: expected 'upstream_error' or 'upstream_timeout' or 'unavailable' or "
            "'rate_limit_exceeded', got 'always'"
        ),
        "5: models.b.fallbacks.default[0]: is the model itself; name another one",
        "5: models.b.fallbacks.default[1]: unknown model 'aa'; did you mean 'a'?",
        "5: models.b.hedge.after: expected 'p95' or a duration, such as 30s, got a string",
        "6: models.c.health.interval: must be more than 0",
        "6: models.c.health.path: must match '^/'",
    ]


def priced(price: str) -> Settings:
    text = "providers: {a: {kind: openai}}\nmodels: {m: {provider: a}}\nprices:\n"
    return load(text + price, source="test", environ={"PRICE": "0.075"})


@pytest.mark.parametrize("cached", ["0.075", '"0.075"', "${PRICE}", "0.0750"])
def test_a_price_is_read_exactly_as_it_is_written(cached: str) -> None:
    (price,) = priced(f"  a/m:\n    input: 0.15\n    output: 1\n    cached_input: {cached}").prices.values()
    assert price.price() == Price(150_000, 1_000_000, 75_000, 150_000, 150_000)


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ("  a/m: {input: -1, output: 1}", "prices.a/m.input: expected dollars for a million tokens"),
        ("  a/m: {input: 0.0000001, output: 1}", "at most six decimal places"),
        ("  a/m: {input: true, output: 1}", "prices.a/m.input: expected dollars"),
        ("  a/m: {input: [1], output: 1}", "prices.a/m.input: expected dollars"),
        ("  a/m: {input: 1}", "prices.a/m.output: is missing"),
        ("  aa/m: {input: 1, output: 1}", "unknown provider 'aa'; did you mean 'a'?"),
        ("  m: {input: 1, output: 1}", "a price is for 'provider/model'"),
    ],
)
def test_what_is_no_price_is_told(price: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        priced(price)


def test_files_are_at_a_provider_that_is_configured() -> None:
    text = "providers: {a: {kind: openai}}\nfiles: {%s: team}\n"
    assert load(text % "a", source="f", environ={}).files == {"a": "team"}
    with pytest.raises(SettingsError, match="unknown provider 'aa'; did you mean 'a'"):
        load(text % "aa", source="f", environ={})
