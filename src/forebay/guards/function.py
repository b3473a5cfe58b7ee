"""A guard whose judging is plain computation: a function, run where it holds up nobody.

Short texts are judged at once where the guard says that it is quick; everything else in threads of its own, so that a
function that hangs holds up neither the event loop nor another guard.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Context, Verdict
from forebay.guards.threads import Threads
from forebay.plugins import GuardPlugin, GuardTools

Judge = Callable[[str, Context], Verdict]


class Judged:
    """The guard that a function makes.

    ``lookbehind`` is as in `core.ports.Guard`. Texts of at most ``at_once`` characters are judged on the event loop's
    thread: give it to functions that need less for so many than the 0.05 ms that handing a text on takes there.
    """

    def __init__(self, judge: Judge, lookbehind: int | None = None, at_once: int = 0) -> None:
        self._judge = judge
        self._at_once = at_once
        self._threads = Threads()
        self.lookbehind = lookbehind

    async def check(self, text: str, context: Context) -> Verdict:
        """What the function says."""
        if len(text) <= self._at_once:
            return self._judge(text, context)
        verdict: Verdict = await self._threads.run(partial(self._judge, text, context))
        return verdict


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a guard that has none."""


def guard(*, lookbehind: int | None = None, at_once: int = 0) -> Callable[[Judge], GuardPlugin]:
    """Make a function ``(text, context) -> Verdict`` a plug-in: a guard without settings of its own.

    The arguments are those of `Judged`.
    """

    def plugin(judge: Judge) -> GuardPlugin:
        def build(_settings: Nothing, _tools: GuardTools) -> Guard:
            return Judged(judge, lookbehind, at_once)

        return GuardPlugin(Nothing, build)

    return plugin
