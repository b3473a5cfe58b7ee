"""Masks every text in a body of JSON by what guards find, for what is kept of it."""

import time
from typing import Any, Final

import msgspec

from forebay.core.types import Call, Operation, Principal, Request, Trace
from forebay.core.verdicts import Action, Context, Side, Verdict
from forebay.gateway.guarding.judging import Judging, Silent
from forebay.gateway.guarding.rules import Rules

NAMES: Final = frozenset({"id", "object", "model", "role", "type", "finish_reason", "encoding_format"})
"""Fields whose values are words of the protocol, nobody's text."""

KEEPER: Final = Principal("capture", "forebay")


class UnjudgedError(Exception):
    """A guard could not judge a text, so nobody knows what would have to be masked."""


class Masker:
    """Masks by ``rules``."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        request = Request(Operation.CHAT, "", b"{}")
        self._judging = Judging(Call("capture", request, KEEPER, Trace(time.perf_counter())), Silent())

    async def masked(self, body: bytes, side: Side, tenant: str) -> bytes:
        """``body`` with everything masked that a rule finds.

        Raises:
            UnjudgedError: a guard could not judge.
            msgspec.DecodeError: it is no JSON.
        """
        if not self._rules or not body:
            return body
        return msgspec.json.encode(await self._value(msgspec.json.decode(body), Context(side, tenant)))

    async def _value(self, value: Any, context: Context) -> Any:  # noqa: ANN401  # any JSON
        if isinstance(value, str):
            return await self._text(value, context)
        if isinstance(value, list):
            return [await self._value(each, context) for each in value]
        if isinstance(value, dict):
            return {
                name: each if name in NAMES and isinstance(each, str) else await self._value(each, context)
                for name, each in value.items()
            }
        return value

    async def _text(self, text: str, context: Context) -> str:
        for rule in self._rules:
            verdict, error = await self._judging.ask(rule, text, context)
            if verdict is None:
                raise UnjudgedError(f"the guard {rule.name} could not judge: {error}")
            if verdict.action is not Action.PASS:
                text = _without(text, verdict, rule.name)
        return text


def _without(text: str, verdict: Verdict, guard: str) -> str:
    """``text`` without what was found; without all of it where a guard objects to the whole."""
    if not verdict.spans:
        return f"[{guard}]"
    pieces, end = [], 0
    for span in verdict.spans:
        pieces += [text[end : span.start], span.replacement or f"[{span.kind or guard}]"]
        end = span.end
    return "".join(pieces) + text[end:]
