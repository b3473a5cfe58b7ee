"""What is said where LiteLLM is not installed; these need none."""

import importlib.util

import pytest

from forebay.plugins import PROVIDERS, PreparationError
from forebay.providers.litellm.settings import LiteLLMSettings


def test_without_litellm_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    plugin = PROVIDERS.plugin("litellm")
    assert plugin.prepare is not None
    with pytest.raises(PreparationError, match=r"pip install 'forebay\[litellm\]'"):
        plugin.prepare(LiteLLMSettings("groq"), lambda *_: None)


async def test_one_that_was_never_started_can_be_closed() -> None:
    await PROVIDERS.plugin("litellm").build("lite", LiteLLMSettings("groq")).close()
