"""Vendors whose API is OpenAI-shaped, a row each: where it is, which variable holds its key, what is peculiar.

To add one, add a row. Without a configuration file a vendor answers as ``name/model`` as soon as its key stands in the
environment.
"""

from collections.abc import Mapping

import msgspec

from forebay.core.types import Operation

CHAT = frozenset({Operation.CHAT})
TEXT = frozenset({Operation.CHAT, Operation.COMPLETION})
CHAT_AND_EMBEDDING = frozenset({Operation.CHAT, Operation.EMBEDDING})
EVERYTHING = frozenset(Operation)


class Vendor(msgspec.Struct, frozen=True):
    """A row: ``key_variable`` is where its users keep the key.

    ``usage_in_stream`` says whether it takes ``stream_options: {"include_usage": true}``; a row without it tells the
    usage in any case, and refuses the question.
    """

    name: str
    base_url: str
    key_variable: str = ""
    operations: frozenset[Operation] = EVERYTHING
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    base_url_variable: str = ""
    usage_in_stream: bool = True


# Azure has an address for each customer: a base_url in the configuration. Perplexity's chat completions ended in 2026.
ROWS = (
    Vendor("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", base_url_variable="OPENAI_BASE_URL"),
    Vendor("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", CHAT),
    Vendor("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", CHAT_AND_EMBEDDING),
    Vendor("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", CHAT),
    Vendor("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", CHAT_AND_EMBEDDING, usage_in_stream=False),
    Vendor("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", CHAT),
    Vendor("xai", "https://api.x.ai/v1", "XAI_API_KEY", CHAT),
    Vendor("together", "https://api.together.ai/v1", "TOGETHER_API_KEY"),
    Vendor("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    Vendor("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    Vendor("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", TEXT),
    Vendor("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    Vendor("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", CHAT),
    Vendor("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", CHAT),
    Vendor("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", CHAT_AND_EMBEDDING),
    Vendor("azure", "", "", key_header="api-key", key_prefix=""),
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
