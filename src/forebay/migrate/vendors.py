"""Which of Forebay's provider kinds answers for which of LiteLLM's prefixes, and what its parameters are called there.

What is not in these tables becomes ``kind: litellm``, with its parameters as they are.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from forebay.providers.catalog import VENDORS


class Native(msgspec.Struct, frozen=True):
    """A kind; its ``vendor`` if it is OpenAI-shaped, and which of LiteLLM's parameters it has, by its own names.

    ``address`` says that it has none of its own. A model whose name begins with one of ``routes`` is asked by an API
    that this kind does not speak. ``path`` is what LiteLLM appends to an address that does not end in it.
    """

    kind: str
    vendor: str = ""
    keys: Mapping[str, str] = {}
    address: bool = False
    routes: tuple[str, ...] = ()
    path: str = ""

    def address_of(self, given: str) -> str:
        """What ``given``, an address as LiteLLM has it, is for Forebay."""
        if not self.path:
            return given
        base = given.rstrip("/").removesuffix("/chat/completions")
        return base if base.endswith(self.path) else base + self.path


COMMON: Final = {"api_key": "api_key", "api_base": "base_url", "base_url": "base_url", "extra_headers": "headers"}
HEADERS: Final = {"organization": "OpenAI-Organization", "project": "OpenAI-Project"}
DROPPING: Final = frozenset({"anthropic", "bedrock", "cohere", "gemini", "litellm", "ollama", "vertex"})
"""The kinds that have ``drop_params``."""

_AWS: Final = {
    "aws_region_name": "region",
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "aws_profile_name": "profile",
    "aws_bedrock_runtime_endpoint": "base_url",
}
_BEDROCK_ROUTES: Final = ("invoke/", "converse_like/", "agent/", "agentcore/", "llama/", "deepseek_r1/", "openai/")
_RENAMED: Final = {
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "nvidia_nim": "nvidia",
    "featherless_ai": "featherless",
    "vercel_ai_gateway": "vercel",
    "text-completion-openai": "openai",
}
_SAME: Final = frozenset(VENDORS) - {"anthropic", "azure", "cohere", "gemini", "llamacpp", "lmstudio", "siliconflow"}

NATIVE: Final[Mapping[str, Native]] = {
    **{name: Native("openai", name) for name in _SAME},
    **{name: Native("openai", vendor) for name, vendor in _RENAMED.items()},
    **{
        name: Native("openai", address=True)
        for name in ("hosted_vllm", "openai_like", "custom_openai", "litellm_proxy", "llamafile", "lm_studio")
    },
    "huggingface": Native("openai", "huggingface", path="/v1"),
    "azure": Native("azure", keys={"api_version": "api_version", "azure_ad_token": "access_token"}, address=True),
    "anthropic": Native("anthropic"),
    "gemini": Native("gemini"),
    "vertex_ai": Native("vertex", keys={"vertex_project": "project", "vertex_location": "location"}),
    "bedrock": Native("bedrock", keys=_AWS, routes=_BEDROCK_ROUTES),
    "cohere": Native("cohere"),
    "cohere_chat": Native("cohere"),
    "ollama": Native("ollama"),
    "ollama_chat": Native("ollama"),
}

_BY_NAME: Final = (
    (("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "davinci", "babbage", "ft:gpt-"), "openai"),
    (("claude-",), "anthropic"),
    (("whisper-1", "tts-1", "dall-e-", "omni-moderation-", "text-moderation-"), "openai"),
    (("command", "embed-", "rerank-"), "cohere"),
    (("gemini-",), "vertex_ai"),
    (("deepseek-",), "deepseek"),
)


def split(model: str, provider: str = "") -> tuple[str, str]:
    """LiteLLM's provider of ``model``, and the model's name there; no provider if only LiteLLM's own list knows it."""
    prefix, slash, rest = model.partition("/")
    if provider:
        return provider, rest if slash and prefix == provider else model
    if slash:
        return prefix, rest
    return next((name for starts, name in _BY_NAME if model.startswith(starts)), ""), model
