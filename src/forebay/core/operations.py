"""Which operations are alike."""

from typing import Final

from forebay.core.types import Operation

# Asked of every call, and of a tuple's few members the first is found sooner than an enumeration's hash.
UNDERSTOOD: Final = (Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING, Operation.COUNT)
"""Those whose replies Forebay looks into; those of others are passed on as they are."""

TEXT: Final = (Operation.CHAT, Operation.COMPLETION)
"""Those whose streams are made of tokens."""

STORED: Final = frozenset({Operation.FILES, Operation.BATCHES})
"""Those that name no model but what a provider keeps."""
