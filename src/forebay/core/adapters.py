"""Where a LoRA adapter comes from."""

import msgspec


class AdapterSource(msgspec.Struct, frozen=True):
    """Where a LoRA adapter comes from: it is called ``name``, and ``path`` is what its provider finds it by.

    ``replace`` allows that an adapter of that name is there already; it is read anew.
    """

    name: str
    path: str
    replace: bool = False
