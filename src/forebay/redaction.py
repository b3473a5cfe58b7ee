"""Takes secrets out of what is logged: libraries log addresses, headers and errors as they find them.

Two nets: the secrets of the settings, letter by letter, and whatever looks like a credential, such as a client's token.
"""

import logging
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote

from forebay.settings.values import living_secrets

MASK: Final = "***"
SHORTEST: Final = 6
"""A shorter secret is none, and may well stand in a log by chance."""

_PASSWORD: Final = re.compile(r"://[^\s:/@]*:(.+)@")

_CREDENTIALS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{6,}"), rf"\1\2{MASK}"),
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"\bfb-[A-Za-z0-9_-]{43}"), MASK),
    (
        re.compile(
            r"(?i)((?:api[_-]?key|client_secret|password|access_token|x-api-key)[\"']?\s*[:=]\s*[\"']?)"
            r"[^\s\"'&,;)}]{6,}"
        ),
        rf"\1{MASK}",
    ),
)


def redacted(text: str) -> str:
    """``text`` without secrets."""
    for secret in sorted({each for known in living_secrets() for each in _forms(known)}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern, masked in _CREDENTIALS:
        text = pattern.sub(masked, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and shows no secret."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one text."""
        return redacted(super().format(record))


def _forms(secret: str) -> Iterator[str]:
    """A secret as others may write it: itself, and the password in it where it is an address."""
    found = [secret]
    for password in _PASSWORD.findall(secret):
        found += [password, unquote(password)]
    for each in found:
        if len(each) >= SHORTEST:
            yield from {each, quote(each, safe=""), repr(each)[1:-1]}
