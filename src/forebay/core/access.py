"""How what a provider keeps is asked for: files and batches, which have no model but a path."""

import msgspec


class Access(msgspec.Struct, frozen=True, gc=False):
    """What is to be done with what a provider keeps: a method and the rest of its path, with its query.

    ``provider`` is the one that the client named, if it did.
    """

    method: str = "POST"
    path: str = ""
    provider: str = ""
