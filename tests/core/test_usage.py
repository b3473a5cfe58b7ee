"""A usage is read as its vendor bills it."""

import msgspec
import pytest

from forebay.core.types import Usage
from forebay.core.usage import Counted, Tokens


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (b'{"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}', Usage(9, 5)),
        # OpenAI: reasoning is part of the completion.
        (
            (
                b'{"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "prompt_tokens_details": '
                b'{"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 3}}'
            ),
            Usage(9, 5, 4, 0, 3),
        ),
        # xAI: it is not, and billed all the same.
        (
            (
                b'{"prompt_tokens": 37, "completion_tokens": 530, "total_tokens": 800, "completion_tokens_details": '
                b'{"reasoning_tokens": 233}}'
            ),
            Usage(37, 763, 0, 0, 233),
        ),
        # OpenRouter tells what went into the cache.
        (
            (
                b'{"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": '
                b'{"cached_tokens": null, "cache_write_tokens": 6}}'
            ),
            Usage(9, 5, 0, 6),
        ),
        # DeepSeek
        (b'{"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 8}', Usage(9, 5, 8)),
        # Whatever says both is believed once.
        (b'{"prompt_tokens": 9, "prompt_cache_hit_tokens": 8, "prompt_tokens_details": {}}', Usage(9, 0, 8)),
        (b"{}", Usage()),
    ],
)
def test_a_usage_is_read_as_its_vendor_bills_it(told: bytes, usage: Usage) -> None:
    assert msgspec.json.decode(told, type=Counted).usage() == usage


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ("{}", None),
        ('{"type": "duration", "seconds": 3}', None),
        ('{"type": "tokens", "input_tokens": 3, "output_tokens": 4, "total_tokens": 7}', Usage(3, 4)),
        ('{"prompt_tokens": 3, "total_tokens": 3}', Usage(3)),
        ('{"total_tokens": 5}', Usage(5)),
        ('{"input_tokens": 0, "output_tokens": 0}', Usage()),
    ],
)
def test_usage_of_what_is_no_completion(told: str, usage: Usage | None) -> None:
    assert msgspec.json.decode(told, type=Tokens).usage() == usage
