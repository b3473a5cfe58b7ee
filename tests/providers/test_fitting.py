"""Requests that came in another dialect, fitted to vendors that know different fields."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from forebay.api.anthropic.messages import Messages
from forebay.providers.catalog import VENDORS, Vendor
from forebay.providers.fitting import fit
from tests.support.anthropic_requests import requests

Fields = dict[str, Any]

MARK = {"type": "ephemeral"}
PLAIN = Vendor("", "")
BODY: Fields = {
    "model": "m",
    "max_tokens": 5,
    "prompt_cache_key": "k",
    "service_tier": "flex",
    "top_k": 3,
    "thinking": {"type": "adaptive"},
    "messages": [
        {
            "role": "system",
            "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief.", "cache_control": MARK}],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "I "}, {"type": "text", "text": "look."}],
            "reasoning_content": "Hm.",
            "thinking_blocks": [{"type": "redacted_thinking", "data": "eA=="}],
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "18°", "is_error": True, "cache_control": MARK},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "https://a"}, "cache_control": MARK}],
        },
    ],
    "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": MARK}],
}


def fitted(vendor: Vendor, body: Fields = BODY) -> Fields:
    fields = msgspec.json.decode(json.dumps(body), type=dict[str, msgspec.Raw])
    fit(fields, vendor)
    found: Fields = json.loads(msgspec.json.encode(fields))
    return found


def test_an_unknown_server_gets_openai_s_oldest_fields() -> None:
    assert fitted(PLAIN) == {
        "model": "m",
        "max_tokens": 5,
        "top_k": 3,
        "messages": [
            {"role": "system", "content": "Be\nbrief."},
            {"role": "assistant", "content": "I look.", "tool_calls": BODY["messages"][1]["tool_calls"]},
            {"role": "tool", "tool_call_id": "a", "content": "18°"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a"}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }


@pytest.mark.parametrize("vendor", ["openai", "azure"])
def test_openai_gets_its_newer_ones(vendor: str) -> None:
    found = fitted(VENDORS[vendor])
    assert "max_tokens" not in found
    assert found["max_completion_tokens"] == 5
    assert (found["prompt_cache_key"], found["service_tier"]) == ("k", "flex")
    assert found["messages"] == fitted(PLAIN)["messages"]


def test_some_take_what_others_refuse() -> None:
    assert fitted(VENDORS["deepseek"])["messages"][1]["reasoning_content"] == "Hm."
    routed = fitted(VENDORS["openrouter"])
    assert routed["tools"] == BODY["tools"]
    assert routed["messages"][0] == BODY["messages"][0]
    assert "thinking_blocks" not in routed["messages"][1]


@given(requests)
def test_nothing_that_openai_does_not_know_is_left(body: Fields) -> None:
    chat = json.loads(Messages.read(json.dumps(body).encode()).request.body)
    text = json.dumps(fitted(PLAIN, chat)["messages"])
    for name in ("cache_control", "thinking_blocks", "reasoning_content", "is_error"):
        assert f'"{name}":' not in text
