"""Counts which tools were offered to models and which were called, out of captured requests.

A line is a JSON object with a chat's ``request`` and its ``reply``, as captures are told and `forebay replay` saves
them, or its ``response``; whatever else stands in it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from forebay.core.decode import MALFORMED
from forebay.doctor.facts import ToolUse


def tool_use(lines: Iterable[bytes]) -> Mapping[str, ToolUse]:
    """How often each tool was offered and called; lines that are no such objects say nothing."""
    offered: Counter[str] = Counter()
    called: Counter[str] = Counter()
    for line in lines:
        try:
            captured = msgspec.json.decode(line)
        except MALFORMED:
            continue
        if isinstance(captured, dict):
            offered.update(set(_offered(captured.get("request"))))
            called.update(set(_called(captured.get("reply") or captured.get("response"))))
    return {name: ToolUse(count, called[name]) for name, count in offered.items()}


def _offered(request: object) -> Iterator[str]:
    for tool in _list(request, "tools"):
        yield from _name(_get(tool, "function")) or _name(tool)


def _called(response: object) -> Iterator[str]:
    for choice in _list(response, "choices"):
        for call in _list(_get(choice, "message"), "tool_calls"):
            yield from _name(_get(call, "function"))


def _name(value: object) -> list[str]:
    name = _get(value, "name")
    return [name] if isinstance(name, str) else []


def _list(value: object, name: str) -> list[Any]:
    found = _get(value, name)
    return found if isinstance(found, list) else []


def _get(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
