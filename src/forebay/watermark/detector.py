"""The detecting side: counts green tokens, and says how likely a text without the mark has so many.

Nothing here is a proof, and nothing is said about who wrote a text. ``p`` is the chance that a text which was not
generated with one of the keys looks as marked as this one, over everything that was tried.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from forebay.watermark import windows
from forebay.watermark.gumbel import Gumbel
from forebay.watermark.scheme import Bools, Ints, Scheme
from forebay.watermark.statistics import corrected, sum_tail, tails, z_score

TOO_FEW: Final = 50
"""With fewer scored tokens than this nothing is said: a strong mark would be missed as often as found."""

SIGNIFICANCE: Final = 1e-5
"""Where ``marked`` begins: one in 100,000 texts without the mark is taken for one with it."""

_ASKS: Final = 2  # Of each scheme and key: the whole text, and its windows.

Verdict = Literal["marked", "not_found", "too_short"]


class Hypothesis(NamedTuple):
    """A scheme with a key, and what to call the two."""

    key: str
    name: str
    scheme: Scheme


class Window(msgspec.Struct, frozen=True):
    """A part of the text, the tokens from ``begin`` to before ``end``, that is unlikely by itself, with its ``p``."""

    begin: int
    end: int
    green_fraction: float
    p: float


class Finding(msgspec.Struct, frozen=True):
    """What one key and scheme see in a text.

    ``z`` and ``p`` are of the whole; ``window_p`` is of the most unlikely window, counted as one of all windows.
    ``mask`` has an entry for each token: whether it is green, ``None`` where that was not counted: at the
    beginning, where nothing stands before it, and where the same was counted already.
    """

    key: str
    scheme: str
    z: float
    p: float
    window_p: float
    green_fraction: float
    scored_tokens: int
    windows: tuple[Window, ...]
    mask: tuple[bool | None, ...]


class Report(msgspec.Struct, frozen=True):
    """The most unlikely of all ``findings``, and what follows from it.

    ``p`` is corrected for how many ``tests`` were made: keys x schemes x (the whole, the windows).
    """

    verdict: Verdict
    p: float
    tests: int
    significance: float
    best: Finding
    findings: tuple[Finding, ...]


def detect(tokens: Sequence[int], hypotheses: Sequence[Hypothesis], significance: float = SIGNIFICANCE) -> Report:
    """Test ``tokens``, none of them special, for each of ``hypotheses``, of which there is at least one."""
    ids = np.array(tokens, np.int64)
    findings = tuple([_finding(ids, each) for each in hypotheses])
    best = min(findings, key=lambda found: (min(found.p, found.window_p), -found.z))
    tests = _ASKS * len(findings)
    p = corrected(min(best.p, best.window_p), tests)
    verdict: Verdict = "marked" if p < significance else "not_found"
    if best.scored_tokens < TOO_FEW:
        verdict = "too_short"
    return Report(verdict, p, tests, significance, best, findings)


def _finding(tokens: Ints, hypothesis: Hypothesis) -> Finding:
    scheme = hypothesis.scheme
    contexts, targets, places = _facts(tokens, scheme)
    green = scheme.score(contexts, targets) if len(targets) else np.zeros(0, bool)
    count, scored = int(green.sum()), len(targets)
    if isinstance(scheme, Gumbel):
        total = float(-np.log1p(-scheme.chances(contexts, targets)).sum()) if scored else 0.0
        z, p = (total - scored) / max(scored, 1) ** 0.5, sum_tail(total, scored)
    else:
        z, p = z_score(count, scored, scheme.gamma), float(tails(scored, scheme.gamma)[count])
    found = windows.best(green, scheme.gamma)
    return Finding(
        key=hypothesis.key,
        scheme=hypothesis.name,
        z=z,
        p=p,
        window_p=found.p if found else 1.0,
        green_fraction=count / scored if scored else 0.0,
        scored_tokens=scored,
        windows=_windows(green, places, scheme.gamma),
        mask=_mask(green, places, len(tokens)),
    )


def _facts(tokens: Ints, scheme: Scheme) -> tuple[Ints, Ints, Ints]:
    """Each (seed, token) once, where it comes first: contexts (n, width), tokens (n,) and their places (n,)."""
    contexts, targets, places = unique(tokens, scheme.width)
    if not len(targets):
        return contexts, targets, places
    pairs = np.column_stack((scheme.seeds(contexts, targets), targets))
    firsts = np.sort(np.unique(pairs, axis=0, return_index=True)[1])
    return contexts[firsts], targets[firsts], places[firsts]


def unique(tokens: Ints, width: int) -> tuple[Ints, Ints, Ints]:
    """Each (context, token) once, where it comes first: contexts (n, width), tokens (n,) and their places (n,)."""
    if len(tokens) <= width:
        return np.empty((0, width), np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    rows = np.lib.stride_tricks.sliding_window_view(tokens, width + 1)
    packed = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    begins = np.sort(np.unique(packed, return_index=True)[1])
    chosen = rows[begins]
    return chosen[:, :-1], chosen[:, -1], begins + width


def _windows(green: Bools, places: Ints, gamma: float) -> tuple[Window, ...]:
    return tuple(
        Window(int(places[each.begin]), int(places[each.end - 1]) + 1, each.green / (each.end - each.begin), each.p)
        for each in windows.all_of(green, gamma, SIGNIFICANCE)
    )


def _mask(green: Bools, places: Ints, length: int) -> tuple[bool | None, ...]:
    mask: list[bool | None] = [None] * length
    for place, is_green in zip(places.tolist(), green.tolist(), strict=True):
        mask[place] = is_green
    return tuple(mask)
