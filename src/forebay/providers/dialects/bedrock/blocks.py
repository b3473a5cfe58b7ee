"""What a message holds, as Converse's ``ContentBlock``: it takes bytes only, and fetches nothing."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.chat import (
    AssistantMessage,
    CacheControl,
    Content,
    FilePart,
    ImagePart,
    Part,
    RefusalPart,
    TextPart,
    Thinking,
    ToolMessage,
    arguments_of,
    parts_of,
)
from forebay.providers.dialects.media import Inline, inline, media

Block = dict[str, Any]

PDF = "application/pdf"
IMAGES: Mapping[str, str] = {f"image/{name}": name for name in ("png", "jpeg", "gif", "webp")}
DOCUMENTS: Mapping[str, str] = {
    PDF: "pdf",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
CACHE_POINT: Block = {"cachePoint": {"type": "default"}}
MOST_CHARACTERS = 64
_ID = re.compile(r"\A[a-zA-Z0-9_.:-]{1,64}\Z")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_NOT_IN_TITLES = re.compile(r"[^a-zA-Z0-9()\[\]-]+")


def safe_id(call_id: str) -> str:
    """An id of a tool call as Converse allows it, always the same for the same id."""
    if _ID.match(call_id):
        return call_id
    return f"call_{hashlib.blake2s(call_id.encode(), digest_size=12).hexdigest()}"


def safe_name(name: str) -> str:
    """A function's name as Converse allows it."""
    return _NOT_IN_NAMES.sub("_", name)[:MOST_CHARACTERS]


def blocks(content: Content) -> list[Block]:
    """All that somebody said or showed; nothing for blank text, which is refused."""
    return [block for part in parts_of(content) for block in _block(part)]


def cached(made: list[Block], cache_control: CacheControl | None) -> list[Block]:
    """``made``, with the mark that the prompt may be cached up to there."""
    return [*made, CACHE_POINT] if made and cache_control is not None else made


def said(message: AssistantMessage) -> list[Block]:
    """Reasoning first, as it was; text; calls."""
    found: list[Block] = []
    for block in message.thinking_blocks or ():
        if not isinstance(block, Thinking):
            found.append({"reasoningContent": {"redactedContent": block.data}})
        elif block.signature:  # without one it is somebody else's
            reasoning = {"text": block.thinking, "signature": block.signature}
            found.append({"reasoningContent": {"reasoningText": reasoning}})
    found += blocks(message.content) or _text(message.refusal or "")
    for call in message.tool_calls or ():
        use = {"toolUseId": safe_id(call.id), "name": safe_name(call.function.name)}
        found.append({"toolUse": {**use, "input": arguments_of(call.function)}})
    return cached(found, message.cache_control)


def result(message: ToolMessage) -> list[Block]:
    """What a tool answered."""
    made: Block = {"toolUseId": safe_id(message.tool_call_id), "content": blocks(message.content) or [{"text": "."}]}
    made["content"] = [block for block in made["content"] if "cachePoint" not in block]
    if message.is_error:
        made["status"] = "error"
    return cached([{"toolResult": made}], message.cache_control)


def _text(text: str) -> list[Block]:
    return [{"text": text}] if text and not text.isspace() else []


def _block(part: Part) -> Sequence[Block]:
    match part:
        case TextPart(text=text, cache_control=mark):
            return cached(_text(text), mark)
        case RefusalPart(refusal=text):
            return _text(text)
        case ImagePart(image_url=image, cache_control=mark):
            param = "messages.content.image_url.url"
            return cached([_media(media(image.url, param), "", param)], mark)
        case FilePart(cache_control=mark):
            return cached([_file(part)], mark)
        case _:
            raise InvalidRequestError("This provider takes no audio.", param="messages.content.input_audio")


def _file(part: FilePart) -> Block:
    param, data = "messages.content.file.file_data", part.file.file_data
    if not data:
        raise InvalidRequestError("Send the file itself, as 'file_data': this provider knows no ids.", param=param)
    found = media(data, param) if ":" in data else inline(data, PDF, param)
    return _media(found, part.file.filename or "", param)


def _media(found: object, filename: str, param: str) -> Block:
    if not isinstance(found, Inline):
        raise InvalidRequestError("This provider fetches nothing: send a data URL.", param=param)
    source = {"bytes": found.data}
    if kind := IMAGES.get(found.media_type):
        return {"image": {"format": kind, "source": source}}
    if kind := DOCUMENTS.get(found.media_type):
        return {"document": {"format": kind, "name": _title(filename, found.data), "source": source}}
    raise InvalidRequestError(f"This provider takes no '{found.media_type[:60]}'.", param=param)


def _title(filename: str, data: str) -> str:
    """Documents have names, of few characters, which must differ."""
    name = _NOT_IN_TITLES.sub("-", filename.rpartition(".")[0] or filename).strip("-") or "document"
    return f"{name[:100]}-{hashlib.blake2s(data.encode(), digest_size=4).hexdigest()}"
