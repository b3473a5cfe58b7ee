"""What changed between two versions of a prompt, as a unified diff of their files."""

import difflib

import msgspec
import yaml

from forebay.core.prompts import Draft, Prompt


def written(draft: Draft) -> str:
    """``draft`` as the YAML of a file; texts of several lines stand as such."""
    fields = {name: value for name, value in msgspec.to_builtins(draft).items() if value not in ("", None, {}, [])}
    return yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def difference(before: Prompt, after: Prompt) -> str:
    """The lines of the one that are not in the other; empty if they say the same."""
    lines = difflib.unified_diff(
        written(before.draft).splitlines(keepends=True),
        written(after.draft).splitlines(keepends=True),
        before.name,
        after.name,
    )
    return "".join(lines)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that a diff of them is one of lines."""


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
