"""Answers a sampled share of semantic hits afresh as well, and counts how often both answers say the same.

Whoever asked has their answer already. The fresh one is a call of its own: metered, paid for by the same principal, and
neither stored nor told to anybody.
"""

import re
import time
from collections import Counter
from random import Random
from typing import Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.entries import Entry
from forebay.core.errors import ForebayError
from forebay.core.ports import Handler
from forebay.core.types import Call, Stream, Trace, Whole
from forebay.gateway.cache.keeper import Keeper
from forebay.settings import SemanticSettings

AGREED: Final = 0.5
"""Answers whose words overlap by as much say the same."""

_WORDS: Final = re.compile(r"\w+")


class Message(msgspec.Struct, frozen=True):
    """What is looked at of a message."""

    content: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """What is looked at of a choice."""

    message: Message


class Chat(msgspec.Struct, frozen=True):
    """What is looked at of a chat's reply."""

    choices: list[Choice]

    @property
    def text(self) -> str:
        """What was answered."""
        return self.choices[0].message.content or "" if self.choices else ""


_chats = msgspec.json.Decoder(Chat)


class Shadow:
    """``ask`` answers afresh; at most ``settings.max_shadows`` at a time, others are let go."""

    def __init__(self, ask: Handler, keeper: Keeper, settings: SemanticSettings, random: Random | None = None) -> None:
        self._ask = ask
        self._keeper = keeper
        self._settings = settings
        self._random = random or Random()  # noqa: S311  # it samples
        self._running = 0

    def hit(self, call: Call, entry: Entry) -> None:
        """``call`` was answered by ``entry``, whose question had other words."""
        if self._running >= self._settings.max_shadows or self._random.random() >= self._settings.shadow:
            return
        self._running += 1
        self._keeper.spawn(self._compare(call, entry))

    async def _compare(self, call: Call, entry: Entry) -> None:
        request = msgspec.structs.replace(call.request, stream=False, include_usage=False, body=_whole(call))
        fresh = msgspec.structs.replace(
            call, id=f"{call.id}-shadow", request=request, trace=Trace(time.perf_counter(), cache="shadow")
        )
        try:
            reply = await self._ask(fresh)
            if isinstance(reply, Stream):
                await reply.events.aclose()
            elif isinstance(reply, Whole):
                counts = self._keeper.counts
                counts.shadows += 1
                counts.shadows_agreed += overlap(_text(entry.body), _text(reply.body)) >= AGREED
        except (ForebayError, *MALFORMED):
            pass  # there is nothing to compare with; the call's own record says why
        finally:
            self._running -= 1


def overlap(one: str, other: str) -> float:
    """The F1 of the words of two texts, as SQuAD scores answers (Rajpurkar et al., 2016): 0 to 1."""
    first, second = Counter(_WORDS.findall(one.lower())), Counter(_WORDS.findall(other.lower()))
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def _text(body: bytes) -> str:
    return _chats.decode(body).text


def _whole(call: Call) -> bytes:
    fields = msgspec.json.decode(call.request.body, type=dict[str, msgspec.Raw])
    for name in ("stream", "stream_options"):
        fields.pop(name, None)
    return msgspec.json.encode(fields)
