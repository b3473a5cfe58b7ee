"""What may be examined: text, some of it, and not so much that it takes minutes."""

import unicodedata
from typing import Final

from forebay.core.errors import InvalidRequestError, PayloadTooLargeError
from forebay.watermark.normalise import normalised

MOST_BYTES: Final = 1024 * 1024
_CONTROL_SHARE: Final = 0.02
_SAMPLE: Final = 20_000


def readable(text: str) -> str:
    """``text`` as it is examined.

    Raises:
        InvalidRequestError: it is empty, or no text.
        PayloadTooLargeError: it is too long.
    """
    if not text.strip():
        raise InvalidRequestError("'text' is empty: there is nothing to examine.", param="text")
    if len(text) > MOST_BYTES or len(text.encode()) > MOST_BYTES:
        raise PayloadTooLargeError("'text' is longer than 1 MiB: examine it in parts.", param="text")
    sample = text[:_SAMPLE]
    controls = sum(unicodedata.category(each) == "Cc" and each not in "\t\n\r\f" for each in sample)
    if "\0" in sample or controls > _CONTROL_SHARE * len(sample):
        raise InvalidRequestError("'text' is no text: it is full of control characters.", param="text")
    return normalised(text)
