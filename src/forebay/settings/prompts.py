"""What a settings file says about prompts: where they are, and how long they may be."""

from typing import Annotated

import msgspec


class PromptSettings(msgspec.Struct, frozen=True):
    """A ``folder`` of prompts (empty: none), beside those in the store; ``budget`` is how many tokens one may have."""

    folder: str = ""
    budget: Annotated[int, msgspec.Meta(ge=1)] = 2000
