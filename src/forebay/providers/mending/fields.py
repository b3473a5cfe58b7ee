"""What whole replies and chunks have in common, and how each of it is mended.

Whatever comes was written by somebody else's server: any field may be missing, null or of another type. Each function
changes its fields in place and says whether it had to, because what needs no change goes on as the bytes that came.
"""

import secrets
import time
from typing import Any

import msgspec

from forebay.core.errors import UpstreamError
from forebay.providers.dialects.answer import FinishReasons

Fields = dict[str, Any]

STOP, CALLS = "stop", "tool_calls"
_LENGTH, _FILTERED = "length", "content_filter"
REASONS = {
    **{each: each for each in (STOP, CALLS, _LENGTH, _FILTERED, "function_call")},
    **dict.fromkeys(("eos", "eos_token", "end", "end_turn", "stop_sequence", "COMPLETE", "STOP"), STOP),
    **dict.fromkeys(("max_tokens", "max_length", "model_length", "MAX_TOKENS"), _LENGTH),
    **dict.fromkeys(("tool_use", "tool_call"), CALLS),
    **dict.fromkeys(("safety", "sensitive", "SAFETY"), _FILTERED),
}
_FAILED = "error"
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")

decode = msgspec.json.Decoder(Fields).decode
encode = msgspec.json.Encoder().encode


def head_of(fields: Fields, kind: str, model: str) -> Fields:
    """What the first piece of a reply says of the whole; what it does not say is ours (``model``: as it was asked)."""
    name, created, told = fields.get("id"), fields.get("created"), fields.get("model")
    return {
        "id": name if isinstance(name, str) and name else f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": created if type(created) is int else int(time.time()),
        "model": told if isinstance(told, str) and told else model,
    }


def mend_head(fields: Fields, head: Fields) -> bool:
    """Give a piece of a reply the ``head`` of the first one."""
    changed = False
    for name, value in head.items():
        if fields.get(name) != value:
            fields[name] = value
            changed = True
    return without_null(fields, "system_fingerprint") or changed


def mend_usage(usage: Fields) -> bool:
    """Details are objects or absent, and three counts are there."""
    changed = False
    for name in _DETAILS:
        details = usage.get(name, usage)
        if not isinstance(details, dict):
            del usage[name]
            changed = True
        elif details is not usage and None in details.values():
            usage[name] = {each: count for each, count in details.items() if count is not None}
            changed = True
    for name in ("prompt_tokens", "completion_tokens"):
        if type(usage.get(name)) is not int:
            usage[name] = int(usage[name]) if isinstance(usage.get(name), float) else 0
            changed = True
    if type(usage.get("total_tokens")) is not int:
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        changed = True
    return changed


def mend_call(call: Fields) -> bool:
    """The type of a tool call, and its arguments as text, which some send as the object that they mean."""
    changed = put(call, "type", "function")
    function = call.get("function")
    if not isinstance(function, dict):
        call["function"] = function = {}
        changed = True
    if not isinstance(function.get("name"), str):
        function["name"] = ""
        changed = True
    return mend_arguments(function) or changed


def mend_arguments(function: Fields) -> bool:
    """Arguments as text."""
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        return False
    function["arguments"] = "" if arguments is None else encode(arguments).decode()
    return True


def call_id(told: object, known: set[str]) -> str:
    """A tool call's id: what was told, unless it is none, a mere number or one of ``known``."""
    if isinstance(told, str) and told and not told.isdigit() and told not in known:
        return told
    return f"call_{secrets.token_hex(12)}"


def finish_reason(reason: object, reasons: FinishReasons, *, called: bool) -> str:
    """OpenAI's word for why an answer ended, in which tools were ``called`` or not.

    Raises:
        UpstreamError: it ended because it failed.
    """
    if reason == _FAILED:
        raise UpstreamError("The provider broke its answer off: it gave 'error' as the finish reason.")
    found = reasons.of(reason if isinstance(reason, str) else "") if reason else STOP
    return CALLS if called and found == STOP else found


def put(fields: Fields, name: str, value: object) -> bool:
    """Set a field; whether that changes anything."""
    if name in fields and fields[name] == value:
        return False
    fields[name] = value
    return True


def without_null(fields: Fields, name: str) -> bool:
    """Leave out a field that is there, but null; whether it was."""
    if fields.get(name, fields) is None:
        del fields[name]
        return True
    return False
