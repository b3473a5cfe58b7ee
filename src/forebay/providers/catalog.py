"""Vendors whose API is OpenAI-shaped, a row each: where it is, which variable holds its key, what is peculiar.

To add one, add a row. Without a configuration file a vendor answers as ``name/model`` as soon as its key stands in the
environment.
"""

from collections.abc import Mapping

import msgspec

from forebay.core.operations import STORED
from forebay.core.types import Operation

CHAT = frozenset({Operation.CHAT})
TEXT = frozenset({Operation.CHAT, Operation.COMPLETION})
CHAT_AND_EMBEDDING = frozenset({Operation.CHAT, Operation.EMBEDDING})
EVERYTHING = TEXT | CHAT_AND_EMBEDDING
LISTENING = frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION})
SPEAKING = frozenset({Operation.SPEECH})
DRAWING = frozenset({Operation.IMAGE, Operation.IMAGE_EDIT, Operation.IMAGE_VARIATION})
JUDGING = frozenset({Operation.MODERATION})
RERANKING = frozenset({Operation.RERANK})
OPENAI = EVERYTHING | LISTENING | SPEAKING | DRAWING | JUDGING | STORED
UNKNOWN = OPENAI | RERANKING
"""What may be asked of a server of which nothing is known: it says itself what it does not have."""


NEW_LIMIT = "max_completion_tokens"
OPENAI_HINTS = frozenset({"prompt_cache_key", "safety_identifier", "service_tier"})


class Vendor(msgspec.Struct, frozen=True):
    """A row: ``key_variable`` is where its users keep the key; without one only the configuration brings it in.

    ``usage_in_stream`` says whether it takes ``stream_options: {"include_usage": true}``; a row without it tells the
    usage in any case, and refuses the question. ``kind`` is the provider kind that asks it when its key is found: that
    of its own dialect, if Forebay speaks it. ``path`` may name the ``{model}``, too.
    ``exact`` says that its replies are OpenAI's in every detail and are relayed untouched; those of others are mended.
    ``ours`` says that it is a Forebay: it knows fields and headers of ours, which mean nothing to others.

    Of requests that came in another dialect: ``limit`` is what it calls the longest answer, ``extensions`` are the
    fields beyond OpenAI's oldest that it takes.
    """

    name: str
    base_url: str
    key_variable: str = ""
    operations: frozenset[Operation] = EVERYTHING
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    base_url_variable: str = ""
    usage_in_stream: bool = True
    kind: str = "openai"
    path: str = "/{operation}"
    exact: bool = False
    ours: bool = False
    limit: str = "max_tokens"
    extensions: frozenset[str] = frozenset()


# Azure has an address for each customer: a base_url in the configuration, or the kind azure. Perplexity's chat
# completions ended in 2026. SiliconFlow's documents name no variable, and servers on this machine need no key.
ROWS = (
    Vendor(
        "openai",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        base_url_variable="OPENAI_BASE_URL",
        operations=OPENAI,
        exact=True,
        limit=NEW_LIMIT,
        extensions=OPENAI_HINTS,
    ),
    Vendor("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", CHAT, kind="anthropic"),
    Vendor(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        CHAT_AND_EMBEDDING,
        kind="gemini",
    ),
    Vendor("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", CHAT | LISTENING | SPEAKING | STORED),
    Vendor("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", CHAT_AND_EMBEDDING, usage_in_stream=False),
    Vendor(
        "deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", CHAT, extensions=frozenset({"reasoning_content"})
    ),
    Vendor("xai", "https://api.x.ai/v1", "XAI_API_KEY", CHAT | {Operation.IMAGE}),
    Vendor(
        "together",
        "https://api.together.ai/v1",
        "TOGETHER_API_KEY",
        EVERYTHING | LISTENING | SPEAKING | RERANKING | STORED | {Operation.IMAGE},
    ),
    Vendor("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    Vendor("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", extensions=frozenset({"cache_control"})),
    Vendor("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", TEXT),
    Vendor("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    Vendor("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", CHAT),
    Vendor("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", CHAT_AND_EMBEDDING, kind="cohere"),
    Vendor("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", CHAT),
    Vendor("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", CHAT_AND_EMBEDDING),
    Vendor(
        "deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_TOKEN", EVERYTHING | {Operation.IMAGE} | SPEAKING
    ),
    Vendor("novita", "https://api.novita.ai/openai/v1", "NOVITA_API_KEY"),
    Vendor("nebius", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY"),
    Vendor(
        "siliconflow",
        "https://api.siliconflow.com/v1",
        operations=CHAT | RERANKING | SPEAKING | {Operation.IMAGE, Operation.TRANSCRIPTION},
    ),
    Vendor(
        "dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", CHAT_AND_EMBEDDING
    ),
    Vendor("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", CHAT),
    Vendor("minimax", "https://api.minimax.io/v1", "MINIMAX_API_KEY", CHAT),
    Vendor("upstage", "https://api.upstage.ai/v1", "UPSTAGE_API_KEY", CHAT_AND_EMBEDDING),
    Vendor("vercel", "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY", CHAT_AND_EMBEDDING),
    Vendor("baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY", CHAT),
    Vendor("scaleway", "https://api.scaleway.ai/v1", "SCW_SECRET_KEY", CHAT_AND_EMBEDDING),
    Vendor(
        "ovhcloud",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "OVH_AI_ENDPOINTS_ACCESS_TOKEN",
        CHAT_AND_EMBEDDING,
    ),
    Vendor("hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY", TEXT),
    Vendor("featherless", "https://api.featherless.ai/v1", "FEATHERLESS_API_KEY", TEXT),
    Vendor("lmstudio", "http://localhost:1234/v1"),
    Vendor("llamacpp", "http://localhost:8080/v1", operations=EVERYTHING | RERANKING),
    Vendor(
        "azure",
        "",
        operations=OPENAI - JUDGING,
        key_header="api-key",
        key_prefix="",
        exact=True,
        limit=NEW_LIMIT,
        extensions=OPENAI_HINTS,
    ),
)
VENDORS: Mapping[str, Vendor] = {row.name: row for row in ROWS}


class Found(msgspec.Struct, frozen=True):
    """A provider that can be had: its kind and the options of that."""

    kind: str
    options: Mapping[str, str]


def from_environment(environ: Mapping[str, str]) -> dict[str, Found]:
    """A provider for every vendor whose key is in ``environ``, by the vendor's name."""
    return {row.name: _found(row, environ) for row in ROWS if row.key_variable and environ.get(row.key_variable)}


def _found(row: Vendor, environ: Mapping[str, str]) -> Found:
    options = {"api_key": environ[row.key_variable]}
    if row.kind == "openai":
        options["vendor"] = row.name
    if base_url := environ.get(row.base_url_variable):
        options["base_url"] = base_url
    return Found(row.kind, options)
