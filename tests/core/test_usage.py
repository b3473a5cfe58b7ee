"""What the usage of a reply says, in Forebay's terms."""

import msgspec
import pytest

from forebay.core.types import Usage
from forebay.core.usage import Counted


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ("{}", Usage()),
        ('{"prompt_tokens": 3, "completion_tokens": 4}', Usage(3, 4)),
        ('{"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}', Usage(3, 0, 2)),
        ('{"prompt_tokens": 3, "prompt_cache_hit_tokens": 2}', Usage(3, 0, 2)),
        ('{"prompt_tokens": 3, "prompt_cache_hit_tokens": 2, "prompt_tokens_details": {}}', Usage(3, 0, 2)),
        ('{"completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": 3}}', Usage(0, 4, 0, 0, 3)),
        (
            '{"prompt_tokens":3,"completion_tokens":4,"total_tokens":12,"completion_tokens_details":{"reasoning_tokens":5}}',
            Usage(3, 9, 0, 0, 5),
        ),
    ],
)
def test_usage(told: str, usage: Usage) -> None:
    assert msgspec.json.decode(told, type=Counted).usage() == usage
