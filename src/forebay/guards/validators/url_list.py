"""The kind ``urls``: links lead only where they may, so that no answer carries data away in one or lures anybody."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Span
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.guards.validators.patterns import Patterns
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 500
MAX_AUTHORITY = 320
PIECE = 128
ENDS = frozenset(" \t\r\n\v\f\"'<>`)]}")
BEHIND = r"[^/?#\\\s\"'<>`)\]}]"
# A scheme and two slashes, or what browsers take for them; a host that begins with "www."; and schemes that run or hold
# something by themselves.
LINK = (
    rf"(?i)\b(?:[a-z][a-z0-9+.-]{{1,15}}:[/\\]{{2,4}}{BEHIND}{{1,{MAX_AUTHORITY}}}"
    rf"|www\.{BEHIND}{{1,{MAX_AUTHORITY}}}|(?:javascript|vbscript|data):[^\s])"
)

Host = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^(\*\.)?[^/*:@\s]+$")]


class UrlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hosts that are ``allow``-ed, ``*.example.org`` with all below it, and the ``schemes``."""

    allow: tuple[Host, ...] = ()
    schemes: tuple[str, ...] = ("https",)
    replacement: str = "[link removed]"


class Finder:
    """The links of a text that lead elsewhere."""

    lookbehind = MAX_AUTHORITY + 24

    def __init__(self, settings: UrlsSettings) -> None:
        self._hosts = frozenset(_idna(host) for host in settings.allow if not host.startswith("*."))
        self._above = tuple(_idna(host[1:]) for host in settings.allow if host.startswith("*."))
        self._schemes = frozenset(scheme.lower() for scheme in settings.schemes)
        self._replacement = settings.replacement
        self._patterns = Patterns([LINK])

    def __call__(self, text: str) -> list[Span]:
        """All of them, in order."""
        return [span for _, match in self._patterns.find(text) for span in self._spans(text, match.start, match.end)]

    def _spans(self, text: str, start: int, end: int) -> Iterator[Span]:
        if self._is_allowed(text[start:end]):
            return
        yield Span(start, end, "url", self._replacement)
        last = end
        while last < len(text) and text[last] not in ENDS:
            last += 1
        for place in range(end, last, PIECE):
            yield Span(place, min(place + PIECE, last), "url", "")

    def _is_allowed(self, link: str) -> bool:
        scheme, colon, rest = link.partition(":")
        if not colon or not rest.startswith(("/", "\\")):
            scheme, rest = ("https", link) if link[:4].lower() == "www." else (scheme, "")
        host = _idna(rest.lstrip("/\\").rpartition("@")[2].partition(":")[0])
        return scheme.lower() in self._schemes and (host in self._hosts or host.endswith(self._above))


def _idna(host: str) -> str:
    """As a resolver sees it; what cannot be a host is none that is allowed."""
    lowered = host.lower().rstrip(".,;!*_…")
    try:
        return lowered.encode("idna").decode() if not lowered.isascii() else lowered
    except UnicodeError:
        return "\0"


def _build(settings: UrlsSettings, _tools: GuardTools) -> Guard:
    return Judged(masking(Finder(settings), "it holds a link that leads elsewhere"), Finder.lookbehind, AT_ONCE)


plugin = GuardPlugin(UrlsSettings, _build)
