"""Finds secrets: by the form that their issuer gave them, or by the name they are assigned to."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Span
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.guards.validators.patterns import Match, Patterns
from forebay.guards.validators.secret_tokens.random_text import entropy, is_random
from forebay.guards.validators.secret_tokens.rules import ASSIGNED, MAX_TOKEN, RULES, Rule
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 2_000  # characters, of which usual ones take 0.01 ms; handing them to a thread takes 0.05 ms
PIECE = 128
MAX_CONTINUED = 16_384
KEY_END = "-----END"
KEY_LINE_END = "KEY-----"
LAST_LINE = 60  # characters that "-----END … PRIVATE KEY-----" may have
KEY_HEADER = r"(?:Version|Comment|Charset|MessageID|Hash|Proc-Type|DEK-Info): [^\r\n]{0,100}"
KEY_BODY = re.compile(rf"(?:{KEY_HEADER}|[A-Za-z0-9+/=\\,-]|[\r\n:][ \t>|#*]*| (?=[A-Za-z0-9+/=]{{16}}))*")
"""Base64, PEM's headers and OpenPGP's (RFC 1421, 9580), also quoted, line ends as JSON escapes them, or as spaces."""
HEADERS = tuple(
    f'{{"{name}'.encode() for name in ('alg":', 'typ":', 'kid":', 'enc":', 'cty":', 'jku":', "x5t", 'zip":')
)
MIN_TOKEN_BITS = 2.5  # per character: "sk-proj-xxxxxxxxxxxxxxxxxxxx" is an example


class SecretsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``generic``: whether to look for what only its name makes a secret; ``ignore``: kinds that may pass."""

    generic: bool = True
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse kinds that there are not."""
        known = {rule.kind for rule in (*RULES, *ASSIGNED)}
        if unknown := set(self.ignore) - known:
            raise ValueError(f"unknown kinds {sorted(unknown)}; there are: {', '.join(sorted(known))}")


class Finder:
    """The places of secrets in a text."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._patterns = Patterns([rule.pattern for rule in rules])

    def __call__(self, text: str) -> Sequence[Span]:
        """All of them, rule by rule."""
        return [
            span for number, match in self._patterns.find(text) for span in _spans(text, self._rules[number], match)
        ]


def _spans(text: str, rule: Rule, match: Match) -> Iterator[Span]:
    if not _is_believed(rule, match.group):
        return
    yield Span(match.start, match.end, rule.kind)
    if rule.kind == "private_key":
        yield from _pieces(match.end, _key_end(text, match.end), rule.kind)
    elif rule.more:
        yield from _pieces(match.end, _run_end(text, match.end, rule.more), rule.kind)


def _is_believed(rule: Rule, token: str) -> bool:
    if rule.kind == "jwt":
        return _is_jose(token)
    if rule.weak:
        return is_random(token)
    return rule.kind in {"private_key", "url_password"} or entropy(token) >= MIN_TOKEN_BITS


def _is_jose(start: str) -> bool:
    """Whether ``start`` begins the header of a signed or encrypted token (RFC 7515, 7516)."""
    try:
        header = base64.urlsafe_b64decode(start[: len(start) // 4 * 4])
    except binascii.Error:
        return False
    return header.startswith(HEADERS)


def _pieces(start: int, end: int, kind: str) -> Iterator[Span]:
    """The rest of a long secret, in pieces, each of which is known before the next; nothing takes their place."""
    for place in range(start, end, PIECE):
        yield Span(place, min(place + PIECE, end), kind, "")


def _run_end(text: str, start: int, characters: str) -> int:
    end = start
    last = min(len(text), start + MAX_CONTINUED)
    while end < last and text[end] in characters:
        end += 1
    return end


def _key_end(text: str, start: int) -> int:
    """Behind the line that ends a private key; or where its body ends, if there is no such line."""
    body = KEY_BODY.match(text, start, start + MAX_CONTINUED)
    end = body.end() if body else start
    last = text.find(KEY_END, start, end + LAST_LINE)
    if last < 0:
        return end
    line = text.find(KEY_LINE_END, last, last + LAST_LINE)
    return end if line < 0 else line + len(KEY_LINE_END)


def _build(settings: SecretsSettings, _tools: GuardTools) -> Guard:
    rules = [rule for rule in (*RULES, *(ASSIGNED if settings.generic else ())) if rule.kind not in settings.ignore]
    return Judged(masking(Finder(rules), "it holds a secret"), MAX_TOKEN, AT_ONCE)


plugin = GuardPlugin(SecretsSettings, _build)
