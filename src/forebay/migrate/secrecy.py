"""What is taken for a secret: by its key, or by what it looks like. Rather one too many than one too few."""

import re
from typing import Final

_SECRET_KEY: Final = re.compile(
    r"key|secret|token|password|passwd|credential|authorization|cookie|signature", re.IGNORECASE
)
_SECRET_TEXT: Final = re.compile(
    r"\b(?:sk|pk|rk|gsk|hf|xox[a-z]|gh[a-z]|glpat|AKIA|ASIA|AIza|eyJ|ya29)[-_.A-Za-z0-9]{8,}"
    r"|\b(?:Bearer|Basic)\s"
    r"|://[^/\s]*@|[?&](?:key|token|sig|api[-_]?key)="
    r"|(?=[A-Za-z0-9+_-]*\d)(?=[A-Za-z0-9+_-]*[A-Za-z])[A-Za-z0-9+_-]{32,}",
    re.IGNORECASE,
)
"""Known forms of keys, credentials in addresses, and long runs of letters and digits."""


def is_secret(key: str) -> bool:
    """Whether the value of ``key`` is a secret, by its name."""
    return _SECRET_KEY.search(key) is not None


def looks_secret(text: str) -> bool:
    """Whether ``text`` is one, by its form."""
    return _SECRET_TEXT.search(text) is not None
