"""Every implementation of the port `Guard`, for the suite that all of them must pass."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forebay.core.ports import Guard
from forebay.core.verdicts import Action, Context, Span, Verdict
from forebay.guarding import Toolbox
from forebay.guards import Judged
from forebay.plugins import GuardPlugin, GuardTools
from tests.support.guards import Lengths, Words


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


GUARDS: dict[str, Callable[[], Guard]] = {
    "words": lambda: Words(["secret", "ban"]),
    "lengths": lambda: Lengths(50),
    "documented": _documented,
    "function": lambda: Judged(_shouting, lookbehind=0, at_once=100),
}
