"""Which texts are not to be answered from a cache at all: their answer is another one tomorrow, or each time."""

import re
from typing import Final

_CHANGEABLE: Final = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|right now|just now|at the moment|at this moment|as of now|up to date|"
    r"so far|recent|recently|latest|newest|breaking|currently|current|nowadays|these days|upcoming|"
    r"(?:this|last|next|past|coming) (?:second|minute|hour|morning|afternoon|evening|night|week|weekend|month|quarter|"
    r"year|season|decade|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|"
    r"what(?: is|'s)? (?:the )?(?:exact )?(?:time|date|day)|(?:time|date) (?:is it|now)|how (?:old|late) (?:am|is|are)|"
    r"weather|forecast|temperature outside|stock price|share price|exchange rate|price of (?:bitcoin|gold|oil)|"
    r"score of|who is winning|live score|news|headlines|"
    r"random|randomly|roll a (?:die|dice)|flip a coin|surprise me|another one|one more|again|different one|try again|"
    r"something else|continue|go on)\b|\bnow$|^now\b"
)


def changeable(text: str) -> bool:
    """Whether a normalised text asks for what depends on the time, on chance, or on what was answered before."""
    return _CHANGEABLE.search(text) is not None
