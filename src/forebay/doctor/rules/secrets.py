"""Debts of secrets: those that stand in the file, or go over the wire in the clear."""

import ipaddress
import re
import stat
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from forebay.doctor.facts import Facts, scalars
from forebay.doctor.rule import Rule, Spot
from forebay.settings.document import Scalar

_SECRET: Final = re.compile(r"(?:^|[._])(?:api_?key|key|secret|password|pepper|token|credentials?)$", re.IGNORECASE)
_RING: Final = "watermark.keys."
_PASSWORD_IN_URL: Final = re.compile(r"^[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_DEFAULT: Final = re.compile(r"(?:key|secret|password|pepper|token)[\"']?\s*:\s*[\"']?\$\{\w+:-[^}]+\}", re.IGNORECASE)
_EXAMPLES: Final = ("", "none", "dummy", "unused", "sk-no-key-required")


def _literal(facts: Facts) -> Iterator[str]:
    for path, node in scalars(facts.root):
        if not isinstance(node, Scalar) or node.expanded or not isinstance(node.value, str):
            continue
        secret = _SECRET.search(path) or path.startswith(_RING)
        if (secret and node.value.lower() not in _EXAMPLES) or _PASSWORD_IN_URL.match(node.value):
            yield path


def _in_file(facts: Facts) -> Iterator[Spot]:
    for path in _literal(facts):
        yield Spot(path, "a secret stands in the file: in every copy of it, and in git for ever")


def _readable(facts: Facts) -> Iterator[Spot]:
    if facts.mode & (stat.S_IRGRP | stat.S_IROTH) and any(True for _ in _literal(facts)):
        yield Spot("file", "the file has secrets in it, and others on this machine may read it")


def _defaults(facts: Facts) -> Iterator[Spot]:
    for number, line in enumerate(facts.text.splitlines(), start=1):
        if not line.lstrip().startswith("#") and _DEFAULT.search(line):
            message = "a secret has a default: where the variable is missing, everybody knows it"
            yield Spot(f"line {number}", message, number)


def _in_the_clear(facts: Facts) -> Iterator[Spot]:
    for path, node in scalars(facts.root):
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.startswith("http://"):
            host = urlsplit(node.value).hostname or ""
            if not _is_near(host):
                yield Spot(path, "what is sent there can be read on the way")


def _is_near(host: str) -> bool:
    """Whether ``host`` is this machine, or of a network of one's own, as far as its name tells."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".svc"))
    return address.is_loopback or address.is_private


RULES: Final = (
    Rule("FB301", "error", "Secret in the file", "Write ${NAME}, and rotate it: it is known by now.", _in_file),
    Rule("FB302", "error", "File with secrets that others may read", "chmod 600.", _readable),
    Rule(
        "FB303",
        "error",
        "Secret with a default",
        "Leave the default out: a missing secret must stop the start.",
        _defaults,
    ),
    Rule("FB304", "warning", "Address without TLS", "Use https://.", _in_the_clear),
)
