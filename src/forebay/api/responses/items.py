"""The input of a response as messages of a chat.

Reasoning goes back to the model where that is possible: what its vendor signed as it was, clear text as
``reasoning_content``. A summary is not the reasoning and is left out, and so is what somebody else encrypted.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from forebay.api.chat.conversation import Conversation, file_part, image_part, text_part
from forebay.api.chat.conversation import Part as ChatPart
from forebay.api.responses.shapes import Item, Part
from forebay.core.decode import MALFORMED
from forebay.core.errors import InvalidRequestError, UnsupportedParameterError

T = TypeVar("T")

PREFIX = "forebay:"


class SignedBlock(msgspec.Struct, frozen=True, omit_defaults=True):
    """A block of reasoning that its vendor wants back."""

    type: str
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


_blocks = msgspec.json.Decoder(list[SignedBlock])


def sealed(blocks: Sequence[SignedBlock]) -> str:
    """Signed reasoning as ``encrypted_content``: opaque to the client, who sends it back as it is."""
    return PREFIX + base64.b64encode(msgspec.json.encode(blocks)).decode()


def conversation(instructions: str | None, items: str | Sequence[Item], param: str = "input") -> Conversation:
    """All that is said; ``param`` is what the items are called.

    Raises:
        InvalidRequestError: an item lacks what it needs, or is of a type that no chat has.
    """
    found = Conversation()
    if instructions:
        found.instruct([text_part(instructions)])
    if isinstance(items, str):
        found.hear([text_part(items)])
    else:
        for number, item in enumerate(items):
            _add(found, item, f"{param}[{number}]")
    return found


def _add(found: Conversation, item: Item, param: str) -> None:
    kind = item.type or ("message" if item.role else "item_reference")
    match kind:
        case "message":
            _message(found, item, param)
        case "function_call":
            call_id, name = _needed(item.call_id, f"{param}.call_id"), _needed(item.name, f"{param}.name")
            found.call(call_id, name, item.arguments or "{}")
        case "function_call_output":
            parts = _parts(item.output, f"{param}.output")
            found.result(_needed(item.call_id, f"{param}.call_id"), parts)
        case "reasoning":
            _reasoning(found, item)
        case "item_reference":
            raise UnsupportedParameterError(
                "An item that is not kept cannot be referred to: send the item itself.", param=param
            )
        case _:
            raise UnsupportedParameterError(
                f"Items of type '{kind}' belong to tools that run at OpenAI. Leave them out.", param=f"{param}.type"
            )


def _message(found: Conversation, item: Item, param: str) -> None:
    parts = _parts(item.content, f"{param}.content")
    if item.role == "assistant":
        if any(part["type"] != "text" for part in parts):
            raise InvalidRequestError("An assistant's message has only text.", param=f"{param}.content")
        found.say(parts)
    elif item.role == "user":
        found.hear(parts)
    else:
        _given(item.role, f"{param}.role")
        found.instruct(parts)


def _reasoning(found: Conversation, item: Item) -> None:
    if item.encrypted_content is not None:
        found.sign(_unsealed(item.encrypted_content))
    elif isinstance(item.content, list) and (text := "".join(part.text or "" for part in item.content)):
        found.think(text)


def _unsealed(content: str) -> list[Mapping[str, Any]]:
    """What `sealed` made; of others' nothing, as only they can read it."""
    if not content.startswith(PREFIX):
        return []
    try:
        blocks = _blocks.decode(base64.b64decode(content.removeprefix(PREFIX), validate=True))
    except (ValueError, *MALFORMED):
        return []
    return [msgspec.to_builtins(block) for block in blocks]


def _parts(content: str | Sequence[Part] | None, param: str) -> list[ChatPart]:
    if content is None:
        raise _missing(param)
    if isinstance(content, str):
        return [text_part(content)]
    return [_part(part, f"{param}[{number}]") for number, part in enumerate(content)]


def _part(part: Part, param: str) -> ChatPart:
    match part.type:
        case "input_text" | "output_text":
            return text_part(_given(part.text, f"{param}.text"))
        case "refusal":
            return text_part(_given(part.refusal, f"{param}.refusal"))
        case "input_image":
            _no_file_id(part, param)
            return image_part(_needed(part.image_url, f"{param}.image_url"), part.detail)
        case "input_file":
            _no_file_id(part, param)
            return file_part(_needed(part.file_data or part.file_url, f"{param}.file_data"), part.filename)
        case _:
            raise UnsupportedParameterError(
                f"A part of type '{part.type}' is not supported; send input_text, input_image or input_file.",
                param=f"{param}.type",
            )


def _no_file_id(part: Part, param: str) -> None:
    if part.file_id is not None:
        raise UnsupportedParameterError(
            "Files are not stored, so they have no ids: send the data itself, or its address.", param=f"{param}.file_id"
        )


def _given(value: T | None, param: str) -> T:
    if value is None:
        raise _missing(param)
    return value


def _needed(value: str | None, param: str) -> str:
    if not _given(value, param):
        raise InvalidRequestError(f"'{param}' is empty.", param=param)
    return value or ""


def _missing(param: str) -> InvalidRequestError:
    return InvalidRequestError(f"Missing required parameter: '{param}'.", param=param)
