"""The kind ``html``: markup without scripts, handlers, frames and forms, as a browser may show it.

Sanitised by ammonia (nh3), which parses as browsers do; patterns cannot do this. What stands in a code block is markup
too: an assistant that writes HTML on demand needs this guard only where its answers are shown as HTML.
"""

import html
import re

import msgspec
import nh3

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action, Context, Span, Verdict
from forebay.guards.function import Judged
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 200
TAG = re.compile(r"<[A-Za-z/!?]")


class HtmlSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``tags`` that may stay, with their harmless attributes; ``None``: those of ordinary texts."""

    tags: tuple[str, ...] | None = None


def _build(settings: HtmlSettings, _tools: GuardTools) -> Guard:
    tags = nh3.ALLOWED_TAGS if settings.tags is None else set(settings.tags)

    def judge(text: str, _context: Context) -> Verdict:
        if not TAG.search(text):
            return PASSED
        readable = text.encode(errors="replace").decode()
        cleaned = nh3.clean(readable, tags=tags, clean_content_tags={"script", "style"} - tags, link_rel=None)
        if html.unescape(cleaned) == html.unescape(readable):
            return PASSED
        span = Span(0, len(text), "html", cleaned)
        return Verdict(Action.MASK, (span,), 1.0, "it holds markup that is not allowed")

    return Judged(judge, None, AT_ONCE)


plugin = GuardPlugin(HtmlSettings, _build)
