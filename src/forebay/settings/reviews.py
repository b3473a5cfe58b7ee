"""What a settings file may say about the queue of answers that people review; there is none, unless it says so."""

from typing import Annotated

import msgspec

from forebay.core.reviews import REASONS, Reason


class ReviewSettings(msgspec.Struct, frozen=True):
    """``flags`` are the reasons to look at an answer; ``sample`` is the share of all answers that is drawn."""

    sample: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    flags: tuple[Reason, ...] = REASONS
