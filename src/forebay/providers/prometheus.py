"""Reads the metrics of an upstream, so that they can be told on among Forebay's own.

Source: Prometheus text exposition format 0.0.4.
"""

import re
from typing import Final

import msgspec

from forebay.core.families import Family, Sample

MAX_SAMPLES: Final = 20_000
LINE_CHARACTERS: Final = 4096

_KINDS: Final = ("counter", "gauge", "histogram", "summary", "untyped")
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?")
_LABEL: Final = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*"'
_LABELS: Final = re.compile(rf"(?:{_LABEL}(?:,{_LABEL})*,?)?")
_PARTS: Final = {"histogram": ("", "_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


class _Growing(msgspec.Struct):
    help: str = ""
    kind: str = ""
    samples: list[Sample] = []


def families(text: str, prefix: str) -> tuple[Family, ...]:
    """The families in ``text`` whose names begin with ``prefix``.

    What is malformed, belongs to no family, or comes after the first `MAX_SAMPLES` is left out, and so are the times at
    which counters were made (``_created``): nobody asks for them, and they are half of everything.
    """
    found: dict[str, _Growing] = {}
    current, left = "", MAX_SAMPLES
    for line in text.split("\n"):
        if len(line) > LINE_CHARACTERS:
            continue
        if line.startswith("#"):
            current = _describe(line, found) or current
        elif left and current and line.startswith(prefix):
            left -= _add(line, current, found[current])
    return tuple(
        Family(name, each.kind, each.help, tuple(each.samples))
        for name, each in found.items()
        if each.samples and name.startswith(prefix) and not name.endswith("_created")
    )


def _describe(line: str, found: dict[str, _Growing]) -> str | None:
    """Take note of a ``# HELP`` or ``# TYPE`` line; the name that it is about."""
    _, word, name, rest = (*line.rstrip().split(" ", 3), "", "", "")[:4]
    if word not in {"HELP", "TYPE"} or not _NAME.fullmatch(name):
        return None
    family = found.setdefault(name, _Growing())
    if word == "HELP":
        family.help = rest
    elif rest in _KINDS:
        family.kind = rest
    return name


def _add(line: str, name: str, family: _Growing) -> bool:
    """Add the sample in ``line``, if it is one of that family."""
    sample = _SAMPLE.fullmatch(line.rstrip())
    if not sample or not family.kind or sample[1] not in {name + part for part in _PARTS.get(family.kind, ("",))}:
        return False
    labels = (sample[2] or "").removesuffix(",")
    if not _LABELS.fullmatch(labels) or not _is_number(sample[3]):
        return False
    family.samples.append(Sample(sample[1], labels, sample[3]))
    return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python's, not Prometheus'
