"""Small guards that do what a test tells them, and a configuration of them."""

import asyncio
import re
from typing import Any

from forebay.core.verdicts import PASSED, Action, Context, Span, Verdict
from forebay.settings import Settings, load


class Words:
    """Finds words, each at most ``longest`` characters long, and asks for an action."""

    def __init__(self, words: list[str], action: str = "mask", kind: str = "word", instead: str | None = None) -> None:
        self._pattern = re.compile("|".join(map(re.escape, words)))
        self._action = Action(action)
        self._kind = kind
        self._instead = instead
        self.lookbehind: int | None = max(map(len, words)) - 1
        self.seen: list[tuple[str, Context]] = []

    async def check(self, text: str, context: Context) -> Verdict:
        self.seen.append((text, context))
        spans = tuple(Span(*found.span(), self._kind, self._instead) for found in self._pattern.finditer(text))
        return Verdict(self._action, spans, 1.0, f"{len(spans)} found") if spans else PASSED


class Lengths:
    """Blocks texts longer than ``most``, as wholes."""

    lookbehind: int | None = None

    def __init__(self, most: int) -> None:
        self._most = most

    async def check(self, text: str, context: Context) -> Verdict:  # noqa: ARG002  # a guard's signature
        return Verdict(Action.BLOCK, reason="it is too long") if len(text) > self._most else PASSED


class Faulty:
    """Does not judge: it raises, hangs, or answers ``nonsense``."""

    lookbehind: int | None = 0

    def __init__(self, how: str) -> None:
        self._how = how

    async def check(self, text: str, context: Context) -> Any:  # noqa: ARG002  # a guard's signature
        if self._how == "raises":
            raise RuntimeError(text)
        if self._how == "hangs":
            await asyncio.Event().wait()
        return {
            "none": None,
            "outside": Verdict(Action.MASK, (Span(0, len(text) + 1, "x"),)),
            "disorder": Verdict(Action.MASK, (Span(3, 4, "x"), Span(0, 1, "x"))),
            "negative": Verdict(Action.MASK, (Span(-1, 1, "x"),)),
            "score": Verdict(Action.BLOCK, score=7.0),
            "action": Verdict("mask"),  # type: ignore[arg-type]  # that is what is wrong with it
        }[self._how]


def guarded(text: str) -> Settings:
    """Settings whose guards are those of ``text``; ``Words`` and the like mean the classes of this module."""
    text = re.sub(r"kind: (Words|Lengths|Faulty)", r"kind: tests.support.guards:\1", text)
    return load(text, source="test", environ={})
