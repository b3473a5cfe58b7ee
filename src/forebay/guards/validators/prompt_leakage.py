"""An answer that repeats the system's instructions, word by word: at least so many words in a row."""

import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action, Context, Span, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.base import apart
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 200
MAX_WORD, MAX_GAP = 30, 20
TOKEN = re.compile(rf"\w{{1,{MAX_WORD}}}")


class PromptLeakageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From how many ``words`` in a row on a repetition is one; fewer find more, and common phrases with it."""

    words: Annotated[int, msgspec.Meta(ge=3, le=30)] = 8


def _build(settings: PromptLeakageSettings, _tools: GuardTools) -> Guard:
    count = settings.words

    def judge(text: str, context: Context) -> Verdict:
        secret = _secret(context.instructions, count)
        spans = list(_repeated(text, secret, count)) if secret else []
        return Verdict(Action.MASK, apart(spans), 1.0, "it repeats the system prompt") if spans else PASSED

    return Judged(judge, count * (MAX_WORD + MAX_GAP) + 1, AT_ONCE)


def _repeated(text: str, secret: frozenset[int], count: int) -> Iterator[Span]:
    """Each ``count`` words in a row that are secret; with a gap between them they are not in a row."""
    words: deque[str] = deque(maxlen=count)
    starts: deque[int] = deque(maxlen=count)
    end = 0
    for token in TOKEN.finditer(text):
        if token.start() - end > MAX_GAP:
            words.clear()
            starts.clear()
        end = token.end()
        words.append(token[0].casefold())
        starts.append(token.start())
        if len(words) == count and hash(tuple(words)) in secret:
            yield Span(starts[0], end, "system_prompt")


@lru_cache(maxsize=256)
def _secret(instructions: tuple[str, ...], count: int) -> frozenset[int]:
    """The hashes of each ``count`` words in a row."""
    found: set[int] = set()
    for text in instructions:
        words = [token.casefold() for token in TOKEN.findall(text)]
        found.update(hash(tuple(words[place : place + count])) for place in range(len(words) - count + 1))
    return frozenset(found)


plugin = GuardPlugin(PromptLeakageSettings, _build)
