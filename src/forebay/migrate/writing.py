"""Writes a configuration file that people go on with: what must be known first stands at its top."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from forebay.migrate.notes import Note
from forebay.settings.document import resolve, shown

_WIDTH: Final = 116


class _Dumper(yaml.SafeDumper):
    """Indents lists, repeats instead of aliasing, and quotes what Forebay would not read as a string."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # yaml's
        """Forebay knows no aliases."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Lists stand below their key."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if resolve(text) == text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def written(settings: Mapping[str, Any], name: str, notes: Iterable[Note], secrets: Mapping[str, str]) -> str:
    """``settings`` as YAML, below a comment that tells where they come from, and what is not in them."""
    lines = [f"Imported from {shown(name)} of LiteLLM. `forebay config check` says whether it can be used."]
    if secrets:
        lines += ["", "Set these variables; the old file has their values:"]
        lines += [f"- {variable}: {path}" for variable, path in secrets.items()]
    told = list(notes)
    if told:
        lines += ["", "Not carried over as it was:", *(f"- {note}" for note in told)]
    body = "".join(_section(key, value) for key, value in settings.items())
    return _comment(lines) + (body or "\n# There was nothing to carry over.\n")


def _section(name: str, value: Any) -> str:  # noqa: ANN401  # any tree
    dumped = yaml.dump(
        {name: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6, default_flow_style=False
    )
    return f"\n{dumped}"


def _comment(lines: Iterable[str]) -> str:
    found = []
    for line in lines:
        plain = "".join(each if each.isprintable() else "?" for each in line)
        wrapped = textwrap.wrap(plain, _WIDTH, subsequent_indent="  ", break_long_words=True) or [""]
        found += [f"# {each}".rstrip() for each in wrapped]
    return "\n".join(found) + "\n"
