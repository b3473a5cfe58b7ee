"""A conversation as Anthropic wants it."""

import hashlib
import re
from collections.abc import Sequence

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.chat import (
    AssistantMessage,
    AudioPart,
    CacheControl,
    Content,
    DeveloperMessage,
    FilePart,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    SystemMessage,
    TextPart,
    Thinking,
    ToolMessage,
    UserMessage,
    arguments_of,
    parts_of,
)
from forebay.providers.dialects.media import Inline, Link, inline, media
from forebay.providers.dialects.turns import Block, Turns

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
PDF = "application/pdf"
_ID = re.compile(r"\A[a-zA-Z0-9_-]+\Z")
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


class Conversation(Turns):
    """In Anthropic's blocks."""

    def __init__(self, messages: Sequence[Message]) -> None:
        super().__init__(messages)
        self._trim_last()

    def _asked(self, message: UserMessage) -> list[Block]:
        return _marked(_blocks(message.content), message.cache_control)

    def _said(self, message: AssistantMessage) -> list[Block]:
        return _marked(_said(message), message.cache_control)

    def _result(self, message: ToolMessage) -> list[Block]:
        return [_result(message)]

    def _instructions(self, message: SystemMessage | DeveloperMessage) -> list[Block]:
        return _marked(_texts(message.content), message.cache_control)

    def _trim_last(self) -> None:
        """An answer that is to be continued may not end in white space."""
        last = self.turns[-1]
        block = last["content"][-1]
        if last["role"] == "assistant" and block["type"] == "text":
            block["text"] = block["text"].rstrip()


def safe_id(call_id: str) -> str:
    """An id of a tool call in Anthropic's alphabet, always the same for the same id."""
    if _ID.match(call_id):
        return call_id
    return f"{_NOT_IN_IDS.sub('_', call_id)}_{hashlib.blake2s(call_id.encode(), digest_size=6).hexdigest()}"


def _marked(blocks: list[Block], cache_control: CacheControl | None) -> list[Block]:
    if cache_control is not None and blocks and "thinking" not in blocks[-1]["type"]:
        blocks[-1]["cache_control"] = cache_control
    return blocks


def _text(text: str, cache_control: CacheControl | None = None) -> list[Block]:
    """A block, unless there is nothing in it: Anthropic refuses those."""
    if not text or text.isspace():
        return []
    return _marked([{"type": "text", "text": text}], cache_control)


def _texts(content: Content) -> list[Block]:
    return [block for part in parts_of(content) if isinstance(part, TextPart) for block in _block(part)]


def _blocks(content: Content) -> list[Block]:
    return _text(content) if isinstance(content, str) else [block for part in content or () for block in _block(part)]


def _block(part: Part) -> list[Block]:
    match part:
        case TextPart():
            return _text(part.text, part.cache_control)
        case RefusalPart():
            return _text(part.refusal)
        case ImagePart():
            return _marked([_shown(media(part.image_url.url, "messages.content.image_url.url"))], part.cache_control)
        case FilePart():
            return _marked([_document(part)], part.cache_control)
        case AudioPart():
            raise InvalidRequestError("This provider takes no audio.", param="messages.content.input_audio")


def _shown(found: Link | Inline) -> Block:
    if isinstance(found, Link):
        return {"type": "image", "source": {"type": "url", "url": found.url}}
    if found.media_type == PDF:
        return _pdf(found)
    if found.media_type not in IMAGES:
        raise InvalidRequestError(
            f"This provider takes images in JPEG, PNG, GIF and WebP, and PDF, not '{found.media_type}'.",
            param="messages.content.image_url.url",
        )
    return {"type": "image", "source": {"type": "base64", "media_type": found.media_type, "data": found.data}}


def _pdf(found: Inline) -> Block:
    return {"type": "document", "source": {"type": "base64", "media_type": PDF, "data": found.data}}


def _document(part: FilePart) -> Block:
    param, data = "messages.content.file.file_data", part.file.file_data
    if not data:
        raise InvalidRequestError("Send the file itself, as 'file_data': this provider knows no ids.", param=param)
    found = media(data, param) if ":" in data else inline(data, PDF, param)
    if isinstance(found, Link):
        return {"type": "document", "source": {"type": "url", "url": found.url}}
    if found.media_type.startswith("text/"):
        text = found.decoded().decode(errors="replace")
        return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}
    return _pdf(found) if found.media_type == PDF else _shown(found)


def _said(message: AssistantMessage) -> list[Block]:
    """Reasoning first, as it was; text; calls."""
    blocks: list[Block] = []
    for block in message.thinking_blocks or ():
        if not isinstance(block, Thinking):
            blocks.append({"type": "redacted_thinking", "data": block.data})
        elif block.signature:  # without one it is somebody else's
            blocks.append({"type": "thinking", "thinking": block.thinking, "signature": block.signature})
    blocks += _blocks(message.content) or _text(message.refusal or "")
    for call in message.tool_calls or ():
        arguments = arguments_of(call.function)
        blocks.append({"type": "tool_use", "id": safe_id(call.id), "name": call.function.name, "input": arguments})
    return blocks


def _result(message: ToolMessage) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": safe_id(message.tool_call_id)}
    if content := _blocks(message.content):
        block["content"] = content
    if message.is_error:
        block["is_error"] = True
    return _marked([block], message.cache_control)[0]
