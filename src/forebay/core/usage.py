"""The ``usage`` of an OpenAI-shaped reply, read by whoever relays one, stores one, or tells it in other words.

Source: OpenAI's API reference, the object ``CompletionUsage``; what vendors do differently stands where it is read.
"""

import msgspec

from forebay.core.types import Usage


class PromptDetails(msgspec.Struct):
    """``usage.prompt_tokens_details``."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(msgspec.Struct):
    """``usage.completion_tokens_details``."""

    reasoning_tokens: int | None = None


class Counted(msgspec.Struct):
    """``usage``; ``prompt_cache_hit_tokens`` is DeepSeek's name for what was cached."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None

    def usage(self) -> Usage:
        """In Forebay's terms.

        Some (xAI, Gemini) leave the reasoning out of the completion, and bill it all the same: their total shows it.
        """
        prompt, completion = self.prompt_tokens or 0, self.completion_tokens or 0
        details, more = self.prompt_tokens_details, self.completion_tokens_details
        cached = (details.cached_tokens if details else None) or self.prompt_cache_hit_tokens
        written = details.cache_write_tokens if details else 0
        reasoning = (more.reasoning_tokens if more else 0) or 0
        if reasoning and self.total_tokens == prompt + completion + reasoning:
            completion += reasoning
        return Usage(prompt, completion, cached or 0, written or 0, reasoning)


class Tokens(msgspec.Struct):
    """The ``usage`` of what is no completion, by any of the names that tokens have; that of a duration has none."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None

    def usage(self) -> Usage | None:
        """In Forebay's terms; ``None`` if no tokens were counted."""
        counted = (self.prompt_tokens, self.completion_tokens, self.input_tokens, self.output_tokens, self.total_tokens)
        if all(each is None for each in counted):
            return None
        completion = self.completion_tokens or self.output_tokens or 0
        prompt = self.prompt_tokens or self.input_tokens or max(0, (self.total_tokens or 0) - completion)
        return Usage(prompt, completion)
