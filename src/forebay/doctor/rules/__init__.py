"""All rules, by their numbers.

1xx models, 2xx keys, 3xx secrets, 4xx prompts, 5xx tools, 6xx guards, 7xx cache, 8xx use; 9xx are about the
doctor's own suppressions (`suppressions`).
"""

from typing import Final

from forebay.doctor.rule import Rule
from forebay.doctor.rules import cache, guards, keys, models, prompts, secrets, tools, usage

RULES: Final[tuple[Rule, ...]] = (
    *models.RULES,
    *keys.RULES,
    *secrets.RULES,
    *prompts.RULES,
    *tools.RULES,
    *guards.RULES,
    *cache.RULES,
    *usage.RULES,
)
