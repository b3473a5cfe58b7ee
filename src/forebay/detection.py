"""Puts the endpoint that examines texts together with what examines them."""

from collections.abc import Mapping
from typing import Any

from forebay.api.watermark import Detect, DetectBody
from forebay.core.marks import Tokens
from forebay.core.ports import Authenticator
from forebay.gateway.route import Route
from forebay.settings import KeyRingSettings, WatermarkSettings
from forebay.watermark.detector import SIGNIFICANCE
from forebay.watermark.marks import Examiner, Question, ring_of
from forebay.watermark.telling import told
from forebay.watermark.text import readable


def detection(
    ring: KeyRingSettings, models: Mapping[str, WatermarkSettings], route: Route, authenticator: Authenticator
) -> Detect:
    """The endpoint for texts that may be marked with a key of ``ring``, as the ``models`` of providers are."""
    examiner = Examiner(ring_of(ring), models)

    def examine(tokens: Tokens, provider: str, body: DetectBody) -> dict[str, Any]:
        question = Question(body.keys, body.schemes, body.significance or SIGNIFICANCE)
        return told(examiner.examine(tokens, provider, question), mask=body.mask)

    return Detect(route, authenticator, readable, examine)
