"""Vendors whose API is OpenAI-shaped, a row each: where it is, which variable holds its key, what is peculiar.

To add one, add a row. Without a configuration file a vendor answers as ``name/model`` as soon as its key stands in the
environment.
"""

from collections.abc import Mapping

import msgspec


class Vendor(msgspec.Struct, frozen=True):
    """A row: ``key_variable`` is where its users keep the key.

    ``usage_in_stream`` says whether it takes ``stream_options: {"include_usage": true}``.
    """

    name: str
    base_url: str
    key_variable: str = ""
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    base_url_variable: str = ""
    usage_in_stream: bool = True


ROWS = (
    Vendor("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", base_url_variable="OPENAI_BASE_URL"),
    Vendor("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    Vendor("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    Vendor("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    Vendor("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", usage_in_stream=False),
    Vendor("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    Vendor("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    Vendor("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    Vendor("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    Vendor("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    Vendor("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", usage_in_stream=False),
    Vendor("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    Vendor("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    Vendor("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
)
VENDORS: Mapping[str, Vendor] = {row.name: row for row in ROWS}


def from_environment(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Options of an ``openai`` provider for every vendor whose key is in ``environ``."""
    found = {}
    for row in ROWS:
        key = environ.get(row.key_variable)
        if key:
            found[row.name] = {"vendor": row.name, "api_key": key}
            base_url = environ.get(row.base_url_variable) if row.base_url_variable else None
            if base_url:
                found[row.name]["base_url"] = base_url
    return found
