"""How much which generation of Gemini thinks: by a level, by a budget of tokens, or not at all.

Source: Google's "Gemini thinking" guide, and the mapping of its OpenAI-shaped endpoint.
"""

import re
from typing import Any

from forebay.providers.dialects.chat import Effort

_WITHOUT = re.compile(r"gemini-(?:1|2\.0)|gemma|learnlm")
_BY_BUDGET = re.compile(r"gemini-2\.5")
_PRO = re.compile(r"gemini-[\d.]+-pro")
_LEAST_OF_PRO = 128
_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576}
_LEVELS = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH"}
_LEVELS_OF_PRO = {**_LEVELS, "none": "LOW", "minimal": "LOW", "medium": "HIGH"}


def thinking_config(effort: Effort | None, model: str) -> dict[str, Any]:
    """``thinkingConfig`` of the generation config; a Pro model cannot be kept from thinking."""
    if effort is None or _WITHOUT.search(model):
        return {}
    shows = {"includeThoughts": effort != "none"}
    if _BY_BUDGET.search(model):
        least = _LEAST_OF_PRO if _PRO.search(model) else 0
        return {"thinkingConfig": {**shows, "thinkingBudget": max(_BUDGETS[effort], least)}}
    levels = _LEVELS_OF_PRO if _PRO.search(model) else _LEVELS
    return {"thinkingConfig": {**shows, "thinkingLevel": levels[effort]}}


def wants_signatures(model: str) -> bool:
    """Whether ``model`` refuses a conversation whose calls are not signed: those since Gemini 3 do."""
    return not (_WITHOUT.search(model) or _BY_BUDGET.search(model))
