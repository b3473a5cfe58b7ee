"""What an upstream says about a failure, which is text as well: judged, and otherwise told plainly."""

from typing import Final

from forebay.core.errors import ForebayError
from forebay.core.verdicts import Side
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.reaction import Violation

PLAIN: Final = "The request could not be answered; a guard does not let the reason pass."


async def judged(inspection: Inspection, error: ForebayError) -> ForebayError:
    """``error``, in plain words if a rule objects to what it says."""
    if not inspection.enforces(Side.OUTPUT):
        return error
    for text in (error.message, error.param, error.code):
        if text and not await _passes(inspection, text):
            error.message, error.param, error.code = PLAIN, None, error.default_code
            error.args = (PLAIN,)
            break
    return error


async def _passes(inspection: Inspection, text: str) -> bool:
    try:
        return await inspection.of_reply(Side.OUTPUT).end(text) == text
    except Violation:
        return False
