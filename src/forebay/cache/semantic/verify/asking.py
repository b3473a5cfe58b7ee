"""What a text asks for: a way, a reason, a place, a number, a yes or no."""

import re
from collections.abc import Sequence
from typing import Final

_AMOUNTS: Final = (
    "many much long old far often tall big fast high deep heavy large soon expensive wide hot cold late early"
)
_YES: Final = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "am",
        "do",
        "does",
        "did",
        "can",
        "could",
        "should",
        "would",
        "will",
        "shall",
        "may",
        "must",
        "has",
        "have",
        "had",
    ]
)

# The first that fits is it.
_PATTERNS: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("amount", rf"\bhow (?P<which>{_AMOUNTS.replace(' ', '|')})\b"),
        (
            "why",
            r"\bwhy\b(?!$)|^why\b|\bhow come\b|\bwhat (?:is|are|was|were) (?:the )?(?:\w+ )?(?:reasons?|causes?)\b",
        ),
        ("how", r"\bis there (?:a|any) (?:\w+ )?way\b|\b(?:what|which)\b(?: \w+){0,5} (?:ways?|methods?|tips|steps)\b"),
        ("how", r"\bhow (?:do|does|did|can|could|should|would|to|will|is|are|was|were|has|have)\b|\bwhat\b.* like\b"),
        ("how", r"\bwhat (?:can|should|could|must|do) (?:i|you|we|one) do to\b"),
        ("who", r"\b(?:who|whom|whose)\b"),
        ("where", r"\bwhere\b"),
        ("when", r"^when\b|\bwhat (?:year|date|time|day)\b|\bwhen (?:is|was|were|are|did|do|does|will|can|should)\b"),
        ("what", r"\b(?:what|which)\b"),
        ("how", r"\bhow\b"),
    )
)


def asked_for(tokens: Sequence[str]) -> str:
    """The kind of question; ``tell`` if it is none. Amounts say which: ``amount long``."""
    text = " ".join(tokens)
    if tokens and tokens[0] in _YES and not text.startswith(("is there a way", "is there any way")):
        return "yes"
    for kind, pattern in _PATTERNS:
        if found := pattern.search(text):
            return f"{kind} {found['which']}" if kind == "amount" else kind
    return "tell"
