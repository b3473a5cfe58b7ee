"""The nouns of a request's story: what became of it in each stage, and why; what its record tells besides figures."""

from collections.abc import Sequence
from typing import Final

import msgspec

MOST_VERDICTS: Final = 64
"""So many verdicts a story keeps; a long stream is judged in thousands of pieces."""

NAME_LIMIT: Final = 256
"""Longer names of models that clients make up are cut."""


class Choice(msgspec.Struct, frozen=True, gc=False):
    """How the deployments of ``model`` were ordered: the score each got, lowest first, and which were left out, why."""

    model: str
    scores: tuple[tuple[str, float], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


class Step(msgspec.Struct, gc=False, array_like=True):
    """One stage of the pipeline; seconds since the call was accepted, 0.0 = not yet or never.

    From ``began`` to ``asked`` it worked on the request, from ``answered`` to ``ended`` on the head of the reply.
    """

    name: str
    began: float
    asked: float = 0.0
    answered: float = 0.0
    ended: float = 0.0


class Heard(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a guard said of a text of the call: the ``kinds`` of what it found, never the text itself."""

    guard: str
    side: str
    action: str
    outcome: str
    seconds: float
    score: float | None = None
    kinds: tuple[str, ...] = ()
    error: str = ""


class Place(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Where a call stands in a distributed trace (W3C Trace Context): hexadecimal ids of trace, own span and parent's.

    What is not ``sampled`` is passed on, and exported by nobody.
    """

    trace: str
    span: str
    parent: str = ""
    sampled: bool = True
    state: str = ""


class Story(msgspec.Struct, gc=False, omit_defaults=True):
    """What is told of one call besides its figures, written by whoever knows it.

    ``model`` is what was asked for, where the record has none; ``entered`` and ``asked`` are the seconds after which
    the pipeline began and a provider was asked, ``span`` is the id of the only attempt. ``cache_why`` says why the
    cache was not asked, ``error`` is the code of what the client was told, ``watermark`` names the key of the mark. Of
    streams the steps end with the reply's head.
    """

    model: str = ""
    entered: float = 0.0
    asked: float = 0.0
    steps: tuple[Step, ...] = ()
    choices: tuple[Choice, ...] = ()
    heard: tuple[Heard, ...] = ()
    cache_key: str = ""
    cache_why: str = ""
    error: str = ""
    watermark: str = ""
    span: str = ""
    place: Place | None = None

    def hear(self, heard: Heard) -> None:
        """Keep what a guard said; of more than `MOST_VERDICTS` only those that object."""
        if len(self.heard) < MOST_VERDICTS or (heard.action != "pass" and len(self.heard) < 2 * MOST_VERDICTS):
            self.heard += (heard,)


def kinds(found: Sequence[str]) -> tuple[str, ...]:
    """The ``found`` kinds, each once."""
    return tuple(dict.fromkeys(found))
