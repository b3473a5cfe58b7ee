"""What a settings file says about watermarks: the key ring, and at each model of the engine how it marks."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from forebay.core.marks import SchemeName, Strength
from forebay.settings.values import Secret


class KeyRingSettings(msgspec.Struct, frozen=True):
    """The secrets by their ids. One that is no longer used to mark stays here for as long as its texts may be found."""

    keys: Mapping[Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[!-~]+$")], Secret] = {}


class WatermarkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model's answers are marked: with the ``key`` of that id, in which way, and whether unasked (``default``).

    ``gamma`` is the share of tokens that are green and ``delta`` what is added to their logits (`soft`). ``width`` is
    how many tokens say which ones are green, ``vocabulary`` how many tokens the schemes of others take the model to
    have; both have a default that follows from the scheme and the model.
    """

    key: Annotated[str, msgspec.Meta(min_length=1)]
    scheme: SchemeName = "keyed"
    gamma: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.25
    delta: Annotated[float, msgspec.Meta(gt=0, le=20)] = 2.0
    strength: Strength = "soft"
    width: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None
    vocabulary: Annotated[int, msgspec.Meta(ge=2)] | None = None
    default: bool = True
