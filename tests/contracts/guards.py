"""Every implementation of the port `Guard`, for the suite that all of them must pass."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Action, Context, Span, Verdict
from forebay.guarding import Toolbox
from forebay.guards import Judged
from forebay.plugins import GUARDS as INSTALLED
from forebay.plugins import GuardPlugin, GuardTools
from tests.support.guards import Lengths, Words
from tests.support.meaning import Models


def _shouting(text: str, context: Context) -> Verdict:  # noqa: ARG001  # a guard's signature
    spans = tuple(Span(at, at + 1, "shout") for at, character in enumerate(text) if character == "!")
    return Verdict(Action.FLAG if spans else Action.PASS, spans)


def _documented() -> Guard:
    """The guard that docs/guards.md writes in ten lines."""
    page = (Path(__file__).parents[2] / "docs" / "guards.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?def codenames.*?)```", page, re.DOTALL)
    assert example
    names: dict[str, Any] = {}
    exec(compile(example[1], "docs/guards.md", "exec"), names)
    plugin = names["codenames"]
    assert isinstance(plugin, GuardPlugin)
    tools = Toolbox()
    return plugin.build(plugin.settings(), GuardTools(tools.ask, tools.post))


BUILT_IN: dict[str, dict[str, Any]] = {
    "ban_list": {"words": ["ban", "evil"]},
    "choices": {"choices": ["yes", "no"]},
    "competitors": {"names": {"Example": ["example.com"]}},
    "gibberish": {},
    "grounding": {},
    "html": {},
    "invisible": {},
    "jailbreak": {},
    "json_schema": {"schema": {"type": "object"}},
    "judge": {"model": "judge"},
    "language": {"allow": ["en"]},
    "length": {"max": 40},
    "pii": {"kinds": ["email", "phone", "card", "iban", "ssn", "ip", "url"]},
    "profanity": {},
    "prompt_leakage": {},
    "regex": {"patterns": {"word": "secret|ban"}, "longest": 6},
    "secrets": {},
    "sql": {},
    "topics": {"denied": {"letters": ["Hello, how are you?"]}},
    "urls": {"allow": ["example.org"]},
}


def _built(kind: str) -> Guard:
    plugin = INSTALLED.plugin(kind)
    return plugin.build(msgspec.convert(BUILT_IN[kind], plugin.settings), Models("no").tools)


GUARDS: dict[str, Callable[[], Guard]] = {
    "words": lambda: Words(["secret", "ban"]),
    "lengths": lambda: Lengths(50),
    "documented": _documented,
    **{kind: partial(_built, kind) for kind in BUILT_IN},
    "function": lambda: Judged(_shouting, lookbehind=0, at_once=100),
}
