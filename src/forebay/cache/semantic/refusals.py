"""Which texts no answer to another wording fits: those about the time, about chance, or about how a text is written."""

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

_FORM: Final = re.compile(
    r"\b(?:spell\w*|misspel\w*|typos?|grammar|grammatical\w*|punctuat\w*|commas?|apostrophes?|quotation marks?|"
    r"upper ?-?cased?|lower ?-?cased?|capital letters?|capitali[sz]\w*|letters?|characters?|spaces?|spacing|"
    r"whitespaces?|words?|sentences?|syllables?|vowels?|consonants?|anagrams?|palindromes?|rhymes? with|backwards|"
    r"in reverse|reverse the|count|correct(?:ly|ion|ions|ed)?|proof-?read|rewrite|reword|rephrase|paraphrase|"
    r"translat\w*|repeat|echo|encode|decode|base64|rot13|regex\w*|regular expressions?)\b",
    re.IGNORECASE,
)


def changeable(text: str) -> bool:
    """Whether a normalised text asks for what depends on the time, on chance, or on what was answered before."""
    return _CHANGEABLE.search(text) is not None


def about_form(text: str) -> bool:
    """Whether a normalised text asks about a text as it is written, so that every sign of it counts."""
    return _FORM.search(text) is not None
