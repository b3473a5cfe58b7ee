"""Which fields of a request are part of its cache key: all of them, but for a named list.

A field that nobody has thought of changes the key, which costs a miss and never a wrong answer. The tests hold OpenAI's
specification against both lists, so that a new field is thought of.
"""

from typing import Final

LEFT_OUT: Final = frozenset(
    {
        "stream",  # streamed and plain replies share an entry
        "stream_options",
        "user",  # who asks, not what
        "safety_identifier",
        "metadata",  # the caller's own notes
        "request_id",
        "prompt_cache_key",  # how the provider computes it, not what it answers
        "prompt_cache_retention",
        "prompt_cache_options",
        "cache",  # wishes of us
        "model",  # who it resolves to is in the key
    }
)

KEYED: Final = frozenset(
    {
        "adapter_id",
        "audio",
        "best_of",
        "dimensions",
        "echo",
        "encoding_format",
        "frequency_penalty",
        "function_call",
        "functions",
        "input",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "min_p",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "store",
        "suffix",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "verbosity",
        "web_search_options",
    }
)
"""Fields that were thought of; those in neither list are in the key as well."""
