"""OpenAI's chat request as the body of Ollama's ``POST /api/chat``.

Source: Ollama's own OpenAPI document, ``ChatRequest`` and ``ModelOptions``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.core.types import Request
from forebay.providers.dialects.chat import (
    AssistantMessage,
    Chat,
    Content,
    FunctionCall,
    ImagePart,
    JsonFormat,
    Message,
    RefusalPart,
    SchemaFormat,
    TextPart,
    Tool,
    ToolMessage,
    UserMessage,
    arguments_of,
    parts_of,
    text_of,
)
from forebay.providers.dialects.history import check_tool_choice, names_of_calls
from forebay.providers.dialects.media import Inline, media
from forebay.providers.dialects.parameters import Parameters

TRANSLATED = frozenset(
    {
        "frequency_penalty",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
    }
)
_SAME = ("frequency_penalty", "presence_penalty", "temperature", "top_k", "top_p")
_EFFORTS: Mapping[str, str | bool] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
}
_SEEDS = 2**31

Fields = dict[str, Any]


class Defaults(msgspec.Struct, frozen=True):
    """What the configuration says for all chats."""

    max_tokens: int | None = None
    context: int | None = None
    keep_alive: str | None = None


def chat_request(request: Request, model: str, defaults: Defaults, parameters: Parameters) -> Fields:
    """The body.

    Raises:
        InvalidRequestError: it is no chat, or one that the vendor has no words for.
        UnsupportedParameterError: the vendor has no counterpart for a parameter.
    """
    chat = parameters.read(request)
    names = names_of_calls(chat.messages)
    body: Fields = {
        "model": model,
        "messages": [_message(message, names) for message in chat.messages],
        "stream": request.stream,
        **_tools(chat, parameters),
        **_form(chat),
    }
    if options := _options(chat, defaults):
        body["options"] = options
    if defaults.keep_alive is not None:
        body["keep_alive"] = defaults.keep_alive
    if chat.reasoning_effort is not None:
        body["think"] = _EFFORTS[chat.reasoning_effort]
    if chat.logprobs:
        body |= {"logprobs": True, "top_logprobs": chat.top_logprobs or 0}
    return body


def _message(message: Message, names: Mapping[str, str]) -> Fields:
    match message:
        case UserMessage(content=content):
            return {"role": "user", **_shown(content)}
        case AssistantMessage():
            return _said(message)
        case ToolMessage(content=content, tool_call_id=call_id):
            found: Fields = {"role": "tool", "content": text_of(content), "tool_call_id": call_id}
            return {**found, "tool_name": names[call_id]} if call_id in names else found
        case _:
            return {"role": "system", "content": text_of(message.content)}


def _said(message: AssistantMessage) -> Fields:
    found: Fields = {"role": "assistant", "content": text_of(message.content) or message.refusal or ""}
    if message.tool_calls:
        found["tool_calls"] = [{"id": call.id, "function": _called(call.function)} for call in message.tool_calls]
    return found


def _called(function: FunctionCall) -> Fields:
    return {"name": function.name, "arguments": arguments_of(function)}


def _shown(content: Content) -> Fields:
    """Images stand beside the text; Ollama fetches none."""
    images: list[str] = []
    for part in parts_of(content):
        match part:
            case ImagePart(image_url=image):
                images.append(_image(image.url))
            case TextPart() | RefusalPart():
                pass
            case _:
                raise InvalidRequestError("This provider takes text and images only.", param="messages.content.type")
    return {"content": text_of(content), **({"images": images} if images else {})}


def _image(url: str) -> str:
    param = "messages.content.image_url.url"
    found = media(url, param)
    if not isinstance(found, Inline):
        raise InvalidRequestError("This provider fetches no images: send a data URL.", param=param)
    return found.data


def _options(chat: Chat, defaults: Defaults) -> Fields:
    found: Fields = {name: value for name in _SAME if (value := getattr(chat, name)) is not None}
    if limit := chat.limit or defaults.max_tokens:
        found["num_predict"] = limit
    if stops := [stop for stop in chat.stops if stop]:
        found["stop"] = stops
    if chat.seed is not None:
        found["seed"] = chat.seed % _SEEDS
    if defaults.context is not None:
        found["num_ctx"] = defaults.context
    return found


def _tools(chat: Chat, parameters: Parameters) -> Fields:
    """The model decides; a call cannot be demanded."""
    check_tool_choice(chat)
    if chat.choice not in {None, "auto", "none"}:
        parameters.unsupported("tool_choice", "This provider cannot make a model call a tool")
    tools: Sequence[Tool] = () if chat.choice == "none" else chat.usable_tools
    return {"tools": [_tool(tool) for tool in tools]} if tools else {}


def _tool(tool: Tool) -> Fields:
    function = tool.function
    made: Fields = {
        "name": function.name,
        "parameters": {"type": "object", "properties": {}, **(function.parameters or {})},
    }
    if function.description:
        made["description"] = function.description
    return {"type": "function", "function": made}


def _form(chat: Chat) -> Fields:
    wanted = chat.response_format
    if isinstance(wanted, SchemaFormat):
        return {"format": wanted.json_schema.schema or "json"}
    return {"format": "json"} if isinstance(wanted, JsonFormat) else {}
