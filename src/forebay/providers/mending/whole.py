"""Mends a chat's whole reply: every field that OpenAI always sends is there, and nothing is null that it never is."""

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.mending.fields import (
    Fields,
    call_id,
    decode,
    encode,
    finish_reason,
    head_of,
    mend_call,
    mend_head,
    mend_usage,
    put,
    without_null,
)


def mended(body: bytes, model: str, reasons: FinishReasons) -> bytes:
    """``body`` as OpenAI would have sent it; the same object if it is that already. Unknown fields are kept.

    Raises:
        UpstreamError: an answer in it has failed, it is nested too deeply, or no UTF-8.
    """
    try:
        fields = decode(body)
    except MALFORMED:
        raise UpstreamError("The provider's answer is nested too deeply, or no UTF-8.") from None
    changed = mend_head(fields, head_of(fields, "chat.completion", model))
    usage = fields.get("usage", fields)
    if not isinstance(usage, dict):
        del fields["usage"]
        changed = True
    elif usage is not fields:
        changed |= mend_usage(usage)
    for position, choice in enumerate(fields.get("choices") or ()):
        if isinstance(choice, dict):
            changed |= _mend_choice(choice, position, reasons)
    return encode(fields) if changed else body


def _mend_choice(choice: Fields, position: int, reasons: FinishReasons) -> bool:
    changed = False
    if type(choice.get("index")) is not int:
        choice["index"] = position
        changed = True
    message = choice.get("message")
    if not isinstance(message, dict):
        choice["message"] = message = {}
        changed = True
    changed |= _mend_message(message)
    reason = finish_reason(choice.get("finish_reason"), reasons, called=bool(message.get("tool_calls")))
    changed |= put(choice, "finish_reason", reason)
    if "logprobs" not in choice:
        choice["logprobs"] = None
        changed = True
    return changed


def _mend_message(message: Fields) -> bool:
    changed = put(message, "role", "assistant")
    for name in ("content", "refusal"):
        if name not in message:
            message[name] = None
            changed = True
    for name in ("function_call", "annotations"):
        changed |= without_null(message, name)
    calls = message.get("tool_calls", message)
    if isinstance(calls, list):
        return _mend_calls(calls) or changed
    if calls is not message:
        del message["tool_calls"]
        return True
    return changed


def _mend_calls(calls: list[Fields]) -> bool:
    changed = False
    known: set[str] = set()
    for call in calls:
        if isinstance(call, dict):
            made = call_id(call.get("id"), known)
            known.add(made)
            changed |= put(call, "id", made)
            changed |= mend_call(call)
    return changed
