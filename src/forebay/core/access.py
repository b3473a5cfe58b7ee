"""How what a provider keeps is asked for: files and batches, which have no model but a path."""

from typing import Final

import msgspec


class Access(msgspec.Struct, frozen=True, gc=False):
    """What is to be done with what a provider keeps: a method and the rest of its path, with its query.

    ``provider`` is the one that the client named, if it did.
    """

    method: str = "POST"
    path: str = ""
    provider: str = ""


ON_BEHALF_OF: Final = b"x-forebay-client"
"""The header by which the process of the page says to the gateway whose request it hands on: an address."""
