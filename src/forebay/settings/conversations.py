"""What a settings file may say about conversations, where there is a store to keep them."""

from typing import Annotated, Literal

import msgspec

from forebay.settings.bounds import ordered
from forebay.settings.values import KIB, Duration, Size

Count = Annotated[int, msgspec.Meta(ge=1)]


class ConversationSettings(msgspec.Struct, frozen=True):
    """How long conversations are kept, how much one may hold, and who makes their titles.

    Those unused for ``retention`` are deleted; ``None``: never. ``titles`` are made by the ``model`` that answered
    first, of the first ``words``, or not at all (``off``).
    """

    titles: Literal["model", "words", "off"] = "model"
    retention: Duration | None = None
    max_items: Count = 10_000
    max_item: Size = 4 * KIB**2
    max_size: Size = 64 * KIB**2

    def __post_init__(self) -> None:
        ordered(self, "max_item", "max_size")
