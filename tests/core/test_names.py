"""What a model may be called."""

import pytest

from forebay.core.names import NAME_CHARACTERS, flaw


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4.1-mini",
        "qwen/qwen3-32b:my adapter",
        "模型",
        "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-20250514-v1:0",
        "m" * NAME_CHARACTERS,
    ],
)
def test_names(name: str) -> None:
    assert flaw(name) is None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("", "is empty"),
        ("m" * (NAME_CHARACTERS + 1), "is longer than 512 characters"),
        ("a\0b", "has characters that cannot be printed"),
        ("a\r\nb", "has characters that cannot be printed"),
        ("a\u202eb", "has characters that cannot be printed"),
    ],
)
def test_what_is_none(name: str, wrong: str) -> None:
    assert flaw(name) == wrong
