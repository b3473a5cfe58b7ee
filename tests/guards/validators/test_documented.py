"""Every example of docs/validators.md is a guard that can be built, and every kind has one."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from forebay.plugins import GUARDS
from tests.support.guarding import TOOLS

PAGE = (Path(__file__).parents[3] / "docs" / "validators.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
NEEDED = {"presidio": "presidio_analyzer", "guardrails_ai": "guardrails"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["kind"])
def test_an_example_can_be_built(example: dict[str, Any]) -> None:
    kind = example["kind"]
    if kind in NEEDED and find_spec(NEEDED[kind]) is None:
        return  # has tests of its own where it is installed
    plugin = GUARDS.plugin(kind)
    plugin.build(msgspec.convert({key: each for key, each in example.items() if key != "kind"}, plugin.settings), TOOLS)


def test_every_kind_has_an_example() -> None:
    assert {example["kind"] for example in EXAMPLES} == set(GUARDS.installed()) - {"remote"}
