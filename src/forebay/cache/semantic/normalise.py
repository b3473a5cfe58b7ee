"""One spelling for wordings that nobody would call different: the key of the tier that compares texts as they are.

Only what cannot change an answer goes. Case stays in quotation marks, in code, in options (``-d`` and ``-D``), in the
abbreviations and names that are other words in small letters (US and us, Turkey and turkey), but for names in a title,
Where Every Word Has A Capital; a text with blocks of code stays as it is.
"""

import re
import unicodedata
from typing import Final

VERSION: Final = 2
"""Goes up with every change of what `normalise` returns: vectors of another version are of no use."""

_QUOTES: Final = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "}
)
_CODE: Final = re.compile(r"```|~~~|^(?: {4}|\t)\S", re.MULTILINE)
_KEPT: Final = re.compile(r'"[^"]*"|`[^`]*`|(?<!\w)\'[^\'\n]+\'(?!\w)|(?<!\S)-{1,2}\w[\w-]*')
_SPACES: Final = re.compile(r"\s+")
_ABBREVIATION: Final = re.compile(r"\b(?:US|IT|WHO|AIDS|CAT|SAT|ACT|GATE|PET|RAM|SIM|SAD|MS|PA|GAP|BASIC)\b")
_NAME: Final = re.compile(
    r"(?<=\W)(?:Amazon|Apple|Art|August|Bath|Bill|Black|Brown|Bush|Catholic|Chile|China|Cook|Cork|Dart|Excel|Frank|Gates|"
    r"Go|Grace|Green|Guinea|Hope|Java|Job|Jobs|Jordan|King|Lent|March|Mark|Mass|May|Mercury|Nice|Oracle|Orange|Page|"
    r"Polish|Python|Reading|Rose|Ruby|Rust|Safari|Shell|Slack|Swift|Target|Titan|Trump|Turkey|Wales|White|Will|Windows|"
    r"Word|Young)\b"
)
_CAPITAL: Final = re.compile(r"(?<=\s)[A-Z][a-z]")
_LONG: Final = re.compile(r"(?<=\s)[A-Za-z]{2}")
_LOWER: Final = re.compile(r"[a-z]")
_TRAILING: Final = re.compile(r"(?:(?<!\d)!|[\s?.,;:…])+$")  # 5! is a factorial.

_CONTRACTIONS: Final = (
    (re.compile(r"\b(?:can't|cant|can not)\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\bshan't\b"), "shall not"),
    (re.compile(r"\bain't\b"), "is not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|has|have|had|could|should|would|must|need|might)n't\b"), r"\1 not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|has|have|had|could|should|would)nt\b"), r"\1 not"),
    (re.compile(r"\blet's\b"), "let us"),
    (re.compile(r"\b(what|whats|who|where|when|why|how|that|there|here|it|he|she)'s\b"), r"\1 is"),
    (re.compile(r"\b(what|that)s\b"), r"\1 is"),
    (re.compile(r"\b(i)'m\b"), r"\1 am"),
    (re.compile(r"\b(\w+)'re\b"), r"\1 are"),
    (re.compile(r"\b(\w+)'ve\b"), r"\1 have"),
    (re.compile(r"\b(\w+)'ll\b"), r"\1 will"),
    (re.compile(r"\b(i|you|we|they|he|she|it)'d (like|love|prefer|rather|want)\b"), r"\1 would \2"),
)

_ASKING: Final = r"(?:what|which|who|whom|whose|where|when|why|how|if|whether)\b"
_TELLING: Final = r"(?:tell|show|explain|describe|give|help|write|list|define|summari[sz]e|translate|compare|provide)\b"
_WONDERING: Final = (
    "do you know|any idea|i was wondering|i wonder|i am wondering|may i ask|can i ask|quick question[:,]?"
)
_POLITE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?:hi|hello|hey|greetings|good (?:morning|afternoon|evening))(?: there| all| everyone)?[,!.]? +(?=\w)",
        r"^(?:please|pls|plz|kindly)[,]? +",
        r"^(?:can|could|would|will) you (?:please|pls|kindly) +",
        rf"^(?:can|could|would|will) you +(?={_TELLING})",
        r"^would you mind (?=\w+ing\b)",
        rf"^(?:please )?(?:tell me|let me know|explain to me) +(?={_ASKING})",
        rf"^i (?:would like|would love|want|wanted|need) to (?:know|ask|understand) +(?={_ASKING})",
        rf"^(?:{_WONDERING}) +(?={_ASKING})",
    )
)
_POLITE_END: Final = re.compile(r"[\s,.!?]+(?:please|pls|plz|thanks|thank you|thanks in advance|thx)$")


def normalise(text: str) -> str:
    """``text`` in its one spelling; applied to the result, it changes nothing."""
    plain = unicodedata.normalize("NFC", text.translate(_QUOTES))
    if _CODE.search(plain):
        return text.strip("\n")
    while (shorter := _once(plain)) != plain:
        plain = shorter
    # Of a text of nothing but signs they are all there is.
    return plain or text.strip()


def _once(text: str) -> str:
    text = _TRAILING.sub("", _SPACES.sub(" ", _lowered(text)).strip())
    for pattern, full in _CONTRACTIONS:
        text = pattern.sub(full, text)
    text = _POLITE_END.sub("", text)
    for pattern in _POLITE:
        text = pattern.sub("", text, count=1)
    return text


def _lowered(text: str) -> str:
    """``text`` in small letters but for what `_kept` finds."""
    spans = [match.span() for match in _KEPT.finditer(text)]
    # In a text of capitals alone they say nothing.
    if _LOWER.search(text):
        spans += [match.span() for match in _ABBREVIATION.finditer(text)]
    if 2 * len(_CAPITAL.findall(text)) <= len(_LONG.findall(text)):
        spans += [match.span() for match in _NAME.finditer(text)]
    parts, at = [], 0
    for begin, end in sorted(spans):
        if begin >= at:
            parts += [text[at:begin].lower(), text[begin:end]]
            at = end
    return "".join([*parts, text[at:].lower()])
