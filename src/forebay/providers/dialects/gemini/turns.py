"""A conversation as Google wants it: instructions apart, then contents of ``user`` and ``model`` in turn.

A result is matched to its call by the function's name; ids are optional, and Vertex has none. What the model signed
must come back with the same part, or it refuses to go on.
"""

import mimetypes
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.chat import (
    AssistantMessage,
    AudioPart,
    Content,
    FilePart,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    Schema,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
    arguments_of,
    parts_of,
    text_of,
)
from forebay.providers.dialects.history import names_of_calls
from forebay.providers.dialects.media import Inline, Link, inline, media

Fields = dict[str, Any]

PLACEHOLDER = "."
"""What a user says who must say something: the first content has to be the user's."""
UNSIGNED = "skip_thought_signature_validator"
"""What Google takes in place of a signature for a call that another model made."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


class Conversation:
    """Messages, one after the other, as ``system`` and ``contents``.

    ``ids``: calls and results carry their ids. ``signed``: the model insists on a signature with a turn's first call.
    """

    def __init__(self, messages: Sequence[Message], *, ids: bool, signed: bool) -> None:
        self.system: list[Fields] = []
        self.contents: list[Fields] = []
        self._names = names_of_calls(messages)
        self._ids = ids
        self._signed = signed
        for message in messages:
            self._add(message)
        if not self.contents and self.system:  # a model answers somebody
            self._turn("user", self.system)
            self.system = []
        elif not self.contents or self.contents[0]["role"] != "user":
            self.contents.insert(0, {"role": "user", "parts": [{"text": PLACEHOLDER}]})

    def _add(self, message: Message) -> None:
        match message:
            case UserMessage():
                self._turn("user", _parts(message.content))
            case AssistantMessage():
                self._turn("model", self._said(message))
            case ToolMessage():
                self._turn("user", [self._result(message)])
            case _:
                self.system += [
                    part for each in parts_of(message.content) if isinstance(each, TextPart) for part in _part(each)
                ]

    def _turn(self, role: str, parts: list[Fields]) -> None:
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        elif parts:
            self.contents.append({"role": role, "parts": parts})

    def _said(self, message: AssistantMessage) -> list[Fields]:
        parts = _parts(message.content) or _text(message.refusal or "")
        if signature := signature_of(message.extra_content):
            parts = parts or [{"text": ""}]
            parts[-1]["thoughtSignature"] = signature
        calls = [self._call(call) for call in message.tool_calls or ()]
        if self._signed and calls and "thoughtSignature" not in calls[0]:
            calls[0]["thoughtSignature"] = UNSIGNED
        return parts + calls

    def _call(self, call: ToolCall) -> Fields:
        made: Fields = {"name": call.function.name, "args": arguments_of(call.function)}
        part: Fields = {"functionCall": self._identified(made, call.id)}
        if signature := signature_of(call.extra_content):
            part["thoughtSignature"] = signature
        return part

    def _result(self, message: ToolMessage) -> Fields:
        text = text_of(message.content)
        name = self._names.get(message.tool_call_id, "unknown")
        made: Fields = {"name": name, "response": {"error": text} if message.is_error else _response(text)}
        return {"functionResponse": self._identified(made, message.tool_call_id)}

    def _identified(self, fields: Fields, call_id: str) -> Fields:
        return {**fields, "id": call_id} if self._ids and call_id else fields


def signature_of(extra: Any) -> str | None:  # noqa: ANN401  # whatever a client sends back
    """The signature in ``{"google": {"thought_signature": ...}}``."""
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) and _BASE64.fullmatch(signature) else None


def extra_of(signature: str) -> Fields:
    """The same, for a client to send back; the form is that of Google's own OpenAI-shaped endpoint."""
    return {"google": {"thought_signature": signature}}


def _response(text: str) -> Schema | Fields:
    """The object that a function answered with, or its text in one."""
    try:
        return msgspec.json.decode(text, type=Schema)
    except MALFORMED:
        return {"result": text}


def _text(text: str) -> list[Fields]:
    return [{"text": text}] if text else []


def _parts(content: Content) -> list[Fields]:
    return [part for each in parts_of(content) for part in _part(each)]


def _part(part: Part) -> list[Fields]:
    match part:
        case TextPart():
            return _text(part.text)
        case RefusalPart():
            return _text(part.refusal)
        case ImagePart():
            return [_shown(media(part.image_url.url, "messages.content.image_url.url"), "image/jpeg")]
        case AudioPart():
            audio = part.input_audio
            return [_shown(inline(audio.data, f"audio/{audio.format}", "messages.content.input_audio.data"), "")]
        case FilePart():
            return [_document(part)]


def _document(part: FilePart) -> Fields:
    param, data = "messages.content.file.file_data", part.file.file_data
    if not data:
        raise InvalidRequestError("Send the file itself, as 'file_data': this provider knows no ids.", param=param)
    guessed = mimetypes.guess_type(part.file.filename or "")[0] or "application/pdf"
    return _shown(media(data, param) if ":" in data else inline(data, guessed, param), guessed)


def _shown(found: Link | Inline, usual: str) -> Fields:
    if isinstance(found, Inline):
        return {"inlineData": {"mimeType": found.media_type, "data": found.data}}
    guessed = mimetypes.guess_type(found.url.partition("?")[0])[0]
    return {"fileData": {"mimeType": guessed or usual, "fileUri": found.url}}
