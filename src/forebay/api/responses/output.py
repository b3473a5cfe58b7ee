"""What an answer consists of, as OpenAI's output items: a message, a call or reasoning for each part."""

from typing import Any, Literal

from forebay.api.chat.parts import Reasoning, Redacted, Refusal, Text, ToolCall
from forebay.api.responses.items import SignedBlock, sealed

Status = Literal["in_progress", "completed", "incomplete"]
Fields = dict[str, Any]


def item_id(part: Text, answer_id: str, index: int) -> str:
    """The id of the item that is ``part``, number ``index`` of its answer."""
    match part:
        case ToolCall():
            kind = "fc"
        case Reasoning() | Redacted():
            kind = "rs"
        case _:
            kind = "msg"
    return f"{kind}_{answer_id}_{index}"


def item(part: Text, item_id: str, status: Status, *, encrypted: bool, whole: bool = False) -> Fields:
    """The item; ``encrypted`` reasoning can be sent back. What is in progress is empty, or is given as a ``whole``."""
    begun = status == "in_progress" and not whole
    match part:
        case ToolCall():
            arguments = "" if begun else part.text
            fields: Fields = {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": arguments}
        case Reasoning() | Redacted():
            fields = {"type": "reasoning", "summary": [], "content": [] if begun or not part.text else [content(part)]}
            if encrypted and not begun and (blocks := _signed(part)):
                fields["encrypted_content"] = sealed(blocks)
        case _:
            fields = {"type": "message", "role": "assistant", "content": [] if begun else [content(part)]}
    return {"id": item_id, **fields, "status": status}


def content(part: Text) -> Fields:
    """The one content of a message or of reasoning."""
    return content_of(part, part.text)


def content_of(part: Text, text: str) -> Fields:
    """The same with another text."""
    match part:
        case Refusal():
            return {"type": "refusal", "refusal": text}
        case Reasoning():
            return {"type": "reasoning_text", "text": text}
        case _:
            return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _signed(part: Reasoning | Redacted) -> list[SignedBlock]:
    if isinstance(part, Redacted):
        return [SignedBlock("redacted_thinking", data=part.data)]
    return [SignedBlock("thinking", part.text, part.signature)] if part.signature else []
