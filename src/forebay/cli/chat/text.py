"""Text from elsewhere, made safe for a terminal."""

import re
from typing import Final

# All of C0 and C1 but tab and line feed: with them a model could move the cursor, set the title, fill the clipboard.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST_LINE: Final = 500


def clean(text: str) -> str:
    """``text`` without what a terminal would obey."""
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    """``text`` as one line of bearable length."""
    line = " ".join(clean(text).split())
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"


def encodable(text: str) -> str:
    """``text`` without what is no Unicode, such as the bytes of another encoding in a command line."""
    return text.encode("utf-8", "replace").decode()
