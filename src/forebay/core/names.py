"""What a model may be called: names come from clients, and go into headers, labels, logs and messages."""

from typing import Final

NAME_CHARACTERS: Final = 512
"""How long a name may be, an adapter's included: Bedrock's ARNs, the longest there are, have about 200."""


def flaw(name: str) -> str | None:
    """What is wrong with ``name``, said so that it can follow on it; ``None`` if nothing is.

    The name itself is not repeated: it may be megabytes long, or made to spoil a terminal.
    """
    if not name:
        return "is empty"
    if len(name) > NAME_CHARACTERS:
        return f"is longer than {NAME_CHARACTERS} characters"
    if not name.isprintable():
        return "has characters that cannot be printed"
    return None
