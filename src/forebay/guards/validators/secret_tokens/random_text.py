"""Whether a value looks drawn by chance, as secrets are, or written by somebody, as names, paths and examples are."""

import math
import re
from collections import Counter

MIN_BITS = 3.0  # per character; English words have about 2.8 at this length, random hexadecimal ones 3.3 and more
MIN_CLASSES = 2
EXAMPLES = re.compile(
    r"(?i)example|sample|dummy|change.?me|placeholder|your|xxx|\*\*\*|\.\.\.|test|fake|todo|insert|redacted|1234567|"
    r"abcdef|<|\$\{|\{\{|%\(|%s|\{\w*\}|^\$|os\.environ|getenv|process\.env"
)
WORDS = re.compile(r"[A-Za-z]?[a-z]{3,}|[A-Z]{4,}")
MOST_IN_WORDS = 0.6


def entropy(text: str) -> float:
    """Bits per character, by how often each occurs (C. Shannon, 1948)."""
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values())


def is_random(value: str) -> bool:
    """Whether ``value`` holds letters and digits, repeats little, and few of its characters stand in words."""
    classes = any(each.isdigit() for each in value) + any(each.isalpha() for each in value)
    if classes < MIN_CLASSES or EXAMPLES.search(value) or entropy(value) < MIN_BITS:
        return False
    return sum(map(len, WORDS.findall(value))) <= MOST_IN_WORDS * len(value)
