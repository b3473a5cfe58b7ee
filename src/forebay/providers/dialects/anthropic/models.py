"""What which generation of Claude can do: its name decides, and an unknown one counts as the newest.

Source: Anthropic's models overview, and the deprecation notes in its OpenAPI document.
"""

import functools
import re
from typing import Literal

import msgspec


class Abilities(msgspec.Struct, frozen=True):
    """``max_tokens`` is the longest answer where a request does not say, well within what the model can.

    ``thinking`` is steered by a budget of tokens, or by an effort (up to ``most_effort``), or not there. ``schemas``:
    it can be held to a JSON Schema. ``sampling``: it takes temperature, top_p and top_k.
    """

    max_tokens: int = 32_000
    thinking: Literal["none", "budget", "effort"] = "effort"
    most_effort: Literal["max", "xhigh"] = "xhigh"
    schemas: bool = True
    sampling: bool = False


_GENERATIONS = (
    (r"claude-(?:2|instant|3-(?:opus|sonnet|haiku))", Abilities(4096, "none", schemas=False, sampling=True)),
    (r"claude-3-5", Abilities(8192, "none", schemas=False, sampling=True)),
    (r"claude-3-7", Abilities(thinking="budget", schemas=False, sampling=True)),
    (r"claude-[a-z]+-4(?:-[01])?(?:$|[-@]20|-v\d|@)", Abilities(thinking="budget", schemas=False, sampling=True)),
    (r"claude-[a-z]+-4-5", Abilities(thinking="budget", sampling=True)),
    (r"claude-[a-z]+-4-6", Abilities(most_effort="max", sampling=True)),
)
_NEWEST = Abilities()


@functools.lru_cache(256)
def abilities(model: str) -> Abilities:
    """What ``model`` can do, under Anthropic's name or another cloud's."""
    return next((able for pattern, able in _GENERATIONS if re.search(pattern, model)), _NEWEST)
