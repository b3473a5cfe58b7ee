"""Vendors that can be asked how many tokens a prompt has."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.core.errors import RateLimitError, UpstreamError
from forebay.core.types import Call, Operation
from forebay.providers.dialects.anthropic.dialect import AnthropicDialect, AnthropicSettings
from tests.support import chats
from tests.support.dialects import ask, asking, call, sent
from tests.support.faulty import whole
from tests.support.schemas import check

Fields = dict[str, Any]

MODELS = (
    "claude-opus-4-8",
    "claude-sonnet-4-6",
    "claude-sonnet-4-5-20250929",
    "claude-3-haiku-20240307",
    "someone-else's",
)


def counting(**fields: Any) -> Call:
    asked = call(**fields)
    request = msgspec.structs.replace(asked.request, operation=Operation.COUNT)
    return Call(asked.id, request, asked.principal, asked.trace)


async def test_anthropic_counts() -> None:
    asked = counting(messages=[{"role": "user", "content": "Hi"}], max_tokens=9, temperature=0.5)
    body, error, up = await ask("anthropic", asked, [whole(b'{"input_tokens": 42}')], model="claude-sonnet-4-5")
    assert error is None
    check("CountMessageTokensResponse", {"input_tokens": 42}, "anthropic")
    assert json.loads(body) == {"object": "response.input_tokens", "input_tokens": 42}
    assert up.requests[0].startswith(b"POST /v1/messages/count_tokens HTTP/1.1\r\n")
    said = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert sent(up) == {"model": "claude-sonnet-4-5", "messages": said}
    assert asked.trace.usage is None


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (whole(b'{"type": "message"}'), UpstreamError),
        (whole(b"<html>"), UpstreamError),
        (whole(b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}', 429), RateLimitError),
    ],
)
async def test_a_vendor_that_does_not_count_is_told(reply: bytes, expected: type[Exception]) -> None:
    _, error, _ = await ask("anthropic", counting(), [reply], model="claude-sonnet-4-5")
    assert type(error) is expected


async def test_only_who_can_is_asked() -> None:
    for kind, can in (("anthropic", True), ("cohere", False)):
        async with asking(kind) as (provider, _):
            assert (Operation.COUNT in provider.operations) is can
    _, error, _ = await ask("cohere", counting(), [whole(b"{}")])
    assert isinstance(error, UpstreamError)


@settings(max_examples=60)
@given(chats.chats(), st.sampled_from(MODELS))
def test_every_chat_can_be_asked_about(body: Fields, model: str) -> None:
    dialect = AnthropicDialect(AnthropicSettings(drop_params=True))
    asked = counting(**{"messages": [{"role": "user", "content": "Hi"}], **body})
    check("CountMessageTokensParams", json.loads(dialect.count(asked, model).body), "anthropic")
