"""Which strings of requests and replies are no texts: by the names of their fields, and by what they look like.

Everything else is judged. A name that is missing here costs a judgement, and opens no way past the guards.
"""

import re
from typing import Any, Final

_WORD: Final = re.compile(r"[a-z][a-z0-9_./-]{0,31}")
"""One of a vendor's values: too short for a message, and never in capitals, as keys are."""
_ID: Final = re.compile(r"[A-Za-z0-9_.:/@|+-]{1,64}")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_NOT_IN_BASE64: Final = " \t\r\n,.;:'\"()<>{}[]?!&"
_SHORTEST_FILE: Final = 65
_LONGEST_HEAD: Final = 128

_WORDS: Final = frozenset(
    {
        "type",
        "role",
        "object",
        "status",
        "format",
        "detail",
        "media_type",
        "finish_reason",
        "service_tier",
        "reasoning_effort",
        "effort",
        "tool_choice",
        "encoding_format",
        "response_format",
        "voice",
        "size",
        "quality",
        "truncation",
        "verbosity",
    }
)
_IDS: Final = frozenset(
    {"id", "model", "tool_call_id", "call_id", "file_id", "system_fingerprint", "previous_response_id"}
)
_FILES: Final = frozenset({"url", "data", "file_data", "b64_json"})
_SIGNED: Final = frozenset({"signature", "thought_signature", "encrypted_content"})

_NAMES: Final = """
messages content text name refusal reasoning reasoning_content reasoning_details thinking thinking_blocks tool_calls
function_call function custom arguments input index choices message delta logprobs usage created annotations
url_citation title start_index end_index audio transcript expires_at image_url input_audio file filename
cache_control ttl extra_content google redacted_thinking

stream stream_options include_usage temperature top_p top_k min_p n max_tokens max_completion_tokens stop seed
presence_penalty frequency_penalty repetition_penalty logit_bias top_logprobs user metadata store modalities
parallel_tool_calls prediction safety_identifier prompt_cache_key web_search_options search_context_size
user_location approximate country city region timezone chat_template chat_template_kwargs guided_json guided_regex
guided_choice guided_grammar tools functions json_schema schema strict description parameters budget_tokens enabled
summary instructions output include mode allowed_tools syntax definition grammar

prompt suffix echo best_of query documents instruction top_n return_documents dimensions embedding data results
document relevance_score score language segments words start end task duration tokens avg_logprob compression_ratio
no_speech_prob revised_prompt background output_format output_compression speed

prompt_tokens completion_tokens total_tokens prompt_tokens_details completion_tokens_details cached_tokens
cache_write_tokens reasoning_tokens audio_tokens accepted_prediction_tokens rejected_prediction_tokens input_tokens
output_tokens input_tokens_details output_tokens_details cost total_time queue_time prompt_time completion_time

properties patternProperties additionalProperties unevaluatedProperties propertyNames required items prefixItems
additionalItems contains enum const default examples $ref $defs $id $schema $comment definitions anyOf allOf oneOf
not if then else minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems
maxItems uniqueItems minProperties maxProperties nullable discriminator propertyName
"""
"""Of chats, of their options, of other operations, of usage, and of JSON Schema."""
KNOWN: Final = _WORDS | _IDS | _FILES | _SIGNED | frozenset(_NAMES.split())
"""Names of fields that say nothing: those of the protocols."""


def is_structure(key: str, value: str) -> bool:
    """Whether the string ``value`` of the field ``key`` is no text: one of a vendor's values, an id, or a file."""
    if key in _WORDS:
        return _WORD.fullmatch(value) is not None
    if key in _IDS:
        return _ID.fullmatch(value) is not None
    if key in _FILES:
        return len(value) >= _SHORTEST_FILE and is_encoded(value)
    return key in _SIGNED and is_encoded(value)


def is_encoded(value: str) -> bool:
    """Whether ``value`` is base64, or a URL that holds it (RFC 2397)."""
    at = value.find(";base64,", 0, _LONGEST_HEAD) if value.startswith("data:") else -1
    begin = at + len(";base64,") if at >= 0 else 0
    return value.isascii() and all(value.find(each, begin) < 0 for each in _NOT_IN_BASE64)


def is_name(key: str) -> bool:
    """Whether ``key`` is a name that a protocol gave, or the number of a token."""
    return key in KNOWN or _NUMBER.fullmatch(key) is not None


def is_word(value: Any) -> bool:  # noqa: ANN401  # any JSON
    """Whether ``value`` is a word as vendors use them."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def structural(fields: dict[str, Any]) -> dict[str, Any]:
    """Of ``fields`` only what is no text: numbers, ids, and the like, in objects too."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if not (is_name(key) or is_word(key)):
            continue
        if isinstance(value, dict):
            found[key] = structural(value)
        elif value is None or isinstance(value, (int, float)) or (isinstance(value, str) and is_structure(key, value)):
            found[key] = value
    return found
