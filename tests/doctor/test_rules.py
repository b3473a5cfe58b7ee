"""Rules by themselves: every one is documented and planted, and those that stand in no example."""

import re
from pathlib import Path

import pytest

from forebay.doctor import suppressions
from forebay.doctor.examine import ORDER, examine
from forebay.doctor.facts import DAY, line_of
from forebay.doctor.gathering import read
from forebay.doctor.rules import RULES
from forebay.settings.document import parse
from forebay.settings.problems import Problems
from forebay.settings.references import References, no_command
from tests.doctor.test_examples import OF_OTHERS, PLANTED
from tests.support.doctored import NOW

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
ALL = (*RULES, *suppressions.RULES)


def test_every_rule_is_documented_as_it_is() -> None:
    rows = re.findall(r"^\| `(FB\d{3})` \| (\w+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert [(rule.id, rule.severity, rule.title, rule.remedy) for rule in ALL] == [
        (number, severity, title.strip(), remedy.strip().replace("`", "'")) for number, severity, title, remedy in rows
    ]


def test_every_rule_has_a_number_of_its_own_and_a_test() -> None:
    numbers = [rule.id for rule in ALL]
    assert len(set(numbers)) == len(numbers)
    assert {rule.id for rule in RULES} == {number for number, _ in PLANTED} | OF_OTHERS
    assert len({number for number, _ in PLANTED}) >= 25
    assert {rule.severity for rule in ALL} <= set(ORDER)


def found(tmp_path: Path, text: str, now: float = NOW) -> set[tuple[str, str]]:
    path = tmp_path / "forebay.yaml"
    path.write_text(text)
    return {(each.rule, each.path) for each in examine(read(path, {}, now))}


BARE = "providers: {openai: {kind: openai, api_key: '${KEY}'}}\nmodels: {m: {provider: openai, model: gpt-4.1}}\n"


def test_a_bare_system_has_no_guards_and_no_ledger(tmp_path: Path) -> None:
    assert {("FB604", "guards"), ("FB805", "store"), ("FB102", "models.m.deployments[0]")} <= found(tmp_path, BARE)


@pytest.mark.parametrize(
    ("kind", "model", "moves"),
    [
        ("openai", "gpt-4o", True),
        ("openai", "gpt-4o-2024-08-06", False),
        ("openai", "gpt-4o-audio-preview", True),
        ("openai", "gpt-4o-audio-preview-2024-12-17", False),
        ("openai", "gpt-4-0125-preview", False),
        ("openai", "gpt-4.5-preview", False),  # FB103
        ("anthropic", "claude-sonnet-4-5", True),
        ("anthropic", "claude-sonnet-4-5-20250929", False),
        ("anthropic", "claude-opus-4-8", False),
        ("anthropic", "claude-3-7-sonnet-latest", True),
        ("gemini", "gemini-2.5-flash-preview-09-2025", False),
        ("gemini", "gemini-2.5-flash-preview", True),
        ("gemini", "gemini-exp-1206", False),
        ("ollama", "qwen3:latest", False),
    ],
)
def test_what_a_vendor_may_change_is_not_pinned(tmp_path: Path, kind: str, model: str, *, moves: bool) -> None:
    key = "" if kind == "ollama" else ", api_key: '${KEY}'"
    text = f"providers: {{p: {{kind: {kind}{key}}}}}\nmodels: {{m: {{provider: p, model: '{model}'}}}}\n"
    assert (("FB102", "models.m.deployments[0]") in found(tmp_path, text)) == moves


def test_a_price_is_missed_once_and_not_of_what_is_gone(tmp_path: Path) -> None:
    text = """
providers: {openai: {kind: openai, api_key: "${KEY}"}}
models:
  one: {provider: openai, model: gpt-9-2030-01-01}
  two: {provider: openai, model: gpt-9-2030-01-01}
  gone: {provider: openai, model: gpt-4-32k}
  told: {provider: openai, model: gpt-9-2030-02-02}
prices: {openai/gpt-9-2030-02-02: {input: 1, output: 2}}
"""
    assert {path for rule, path in found(tmp_path, text) if rule == "FB105"} == {"models.one.deployments[0]"}


def test_an_engine_behind_a_gateway_keeps_no_books(tmp_path: Path) -> None:
    text = """
server: {role: engine}
auth: {keys: [{key: "${KEY}", name: gateway, admin: true}]}
providers: {local: {kind: engine, model: smollm2}}
models: {smollm2: {provider: local}}
"""
    assert not found(tmp_path, text)


def test_prices_grow_old(tmp_path: Path) -> None:
    assert ("FB807", "prices") in found(tmp_path, BARE, NOW + 200 * DAY)


@pytest.mark.parametrize(
    ("url", "is_near"),
    [
        ("http://localhost:8000/v1", True),
        ("http://10.0.0.7/v1", True),
        ("http://[::1]:80/v1", True),
        ("http://vllm:8000/v1", True),
        ("http://vllm.cluster.internal/v1", True),
        ("http://8.8.8.8/v1", False),
        ("https://llm.example.com/v1", True),
    ],
)
def test_only_what_leaves_the_house_needs_tls(tmp_path: Path, url: str, *, is_near: bool) -> None:
    text = (
        f"providers: {{p: {{kind: openai, base_url: '{url}', api_key: '${{KEY}}'}}}}\nmodels: {{m: {{provider: p}}}}\n"
    )
    assert (("FB304", "providers.p.base_url") in found(tmp_path, text)) != is_near


@pytest.mark.parametrize(
    ("line", "is_secret"),
    [
        ("api_key: sk-live-123456", True),
        ("api_key: ${KEY}", False),
        ("api_key: ${file:${FOLDER}/no-such-file}", False),
        ("api_key: ${command:no-such-program x}", False),
        ("api_key: none", False),
    ],
)
def test_a_secret_is_told_from_what_stands_for_one(tmp_path: Path, line: str, *, is_secret: bool) -> None:
    text = f"providers:\n  p:\n    kind: openai\n    {line}\nmodels: {{m: {{provider: p}}}}\n"
    assert ("FB301" in {rule for rule, _ in found(tmp_path, text)}) == is_secret


def test_a_path_leads_to_its_line_also_through_names_with_dots() -> None:
    text = (
        "models:\n  gpt-4.1:\n    deployments:\n      - provider: a\n      - provider: b\n  gpt-4:\n    provider: a\n"
    )
    root = parse(text, Problems("x"), References({}, no_command))
    assert line_of(root, "models.gpt-4.1.deployments[1].provider") == 5
    assert line_of(root, "models.gpt-4") == 6
    assert line_of(root, "models.gpt-4.unknown") == 6
    assert line_of(root, "nothing.here") == 0
