"""The kind ``regex``: patterns of one's own, which can take no more time than the text is long.

RE2 has no back-references and no look-around, and for that no pattern with which a text takes it longer than its
length; one that it does not know is refused when the configuration is read.
"""

from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Context, Span, Verdict
from forebay.guards.function import Judge, Judged
from forebay.guards.validators.base import blocked, masking
from forebay.guards.validators.patterns import PatternError, Patterns
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 2_000  # characters, of which usual ones take 0.01 ms; handing them to a thread takes 0.05 ms

Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class RegexSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``patterns`` that must not occur, by name; or one, ``match``, that the whole text must have.

    ``longest`` says how many characters a match may have, for streams: what begins with more of them behind it can
    leave. Without it an answer is held back whole. Where a pattern has a group, the group is what is masked.
    """

    patterns: dict[str, Pattern] = {}
    match: Pattern | None = None
    ignore_case: bool = False
    longest: Annotated[int, msgspec.Meta(ge=1, le=2_000)] | None = None
    replacement: str | None = None

    def __post_init__(self) -> None:
        """Refuse patterns that RE2 does not know, and settings that ask for nothing or for both."""
        if bool(self.patterns) == (self.match is not None):
            raise ValueError("give patterns that must not occur, or one that must match")
        try:
            Patterns(list(self.patterns.values()) or [self.match or ""])
        except PatternError as error:
            raise ValueError(str(error)) from error


def _build(settings: RegexSettings, _tools: GuardTools) -> Guard:
    if settings.match is not None:
        return Judged(_matching(settings.match, ignore_case=settings.ignore_case))
    names = list(settings.patterns)
    patterns = Patterns(list(settings.patterns.values()), ignore_case=settings.ignore_case)
    longest = settings.longest

    def find(text: str) -> list[Span]:
        return [
            Span(match.start, match.end, names[number], settings.replacement)
            for number, match in patterns.find(text)
            if match.start < match.end and (longest is None or match.end - match.start <= longest)
        ]

    return Judged(masking(find, "it matches a pattern"), None if longest is None else longest + 1, AT_ONCE)


def _matching(pattern: str, *, ignore_case: bool) -> Judge:
    patterns = Patterns([rf"\A(?:{pattern})\z"], ignore_case=ignore_case)

    def judge(text: str, _context: Context) -> Verdict:
        return PASSED if patterns.present(text) else blocked("it does not match the pattern")

    return judge


plugin = GuardPlugin(RegexSettings, _build)
