"""Money in a settings file: read as it is written, so that no digit is lost to a float."""

from collections.abc import Callable
from typing import Any

from forebay.settings.document import Node, Scalar
from forebay.settings.reader import Reader


def amount_of(kind: type[int], node: Node, reader: Reader, written: Callable[[str], int | None], expected: str) -> Any:  # noqa: ANN401  # or MISSING
    """The amount at ``node``, as a ``kind``: what ``written`` makes of its text, unless that is ``None``."""
    value = node.value if isinstance(node, Scalar) else None
    if type(value) is kind:
        return value
    text = node.text or str(value) if isinstance(node, Scalar) else ""
    amount = None if value is None or isinstance(value, bool) else written(text)
    return reader.wrong(node, f"expected {expected}") if amount is None else kind(amount)
