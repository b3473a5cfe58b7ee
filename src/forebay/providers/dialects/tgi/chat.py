"""A chat for ``/v1/chat/completions``, which is OpenAI's but for what these servers do not take.

Source: TGI's and LoRAX's own OpenAPI documents, ``ChatRequest`` and ``ChatCompletionRequest``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.core.types import Request
from forebay.providers.dialects.chat import (
    AssistantMessage,
    Chat,
    Content,
    DeveloperMessage,
    ImagePart,
    Message,
    Named,
    Part,
    TextPart,
    Tool,
    ToolMessage,
    UserMessage,
    parts_of,
)
from forebay.providers.dialects.history import check_tool_choice
from forebay.providers.dialects.media import media
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.tgi.generate import penalty, seed, stops
from forebay.providers.dialects.tgi.prompt import plain_text

TRANSLATED = frozenset(
    {
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    }
)
Fields = dict[str, Any]
ContentOf = Callable[[Content], str | list[Fields]]


def chat_request(
    request: Request, max_tokens: int | None, parameters: Parameters, content_of: ContentOf
) -> tuple[Fields, Chat]:
    """The body, without what the server's kind decides, and the chat that it was made of.

    Raises:
        InvalidRequestError: it is no chat, or one that the server cannot read.
        UnsupportedParameterError: there is no counterpart for a parameter.
    """
    chat = parameters.read(request)
    body: Fields = {
        "messages": [_message(message, content_of) for message in chat.messages],
        "stream": request.stream,
        **seed(chat),
        **penalty(chat),
        **stops(chat, parameters),
    }
    if limit := chat.limit or max_tokens:
        body["max_tokens"] = limit
    if chat.temperature is not None:
        body["temperature"] = chat.temperature
    if chat.top_p is not None and 0 < chat.top_p < 1:
        body["top_p"] = chat.top_p
    return body, chat


def offered(chat: Chat) -> Sequence[Tool]:
    """The tools that may be called: a named one is the only one.

    Raises:
        InvalidRequestError: one is demanded that is not there.
    """
    check_tool_choice(chat)
    tools, choice = chat.usable_tools, chat.choice
    if choice == "none":
        return ()
    if isinstance(choice, Named):
        tools = [tool for tool in tools if tool.function.name == choice.name]
        if not tools:
            raise InvalidRequestError("'tool_choice' names a tool that is not in 'tools'.", param="tool_choice")
    return tools


def tool_fields(tool: Tool) -> Fields:
    """A tool; its ``parameters`` must be there."""
    function = tool.function
    schema = {"type": "object", "properties": {}, **(function.parameters or {})}
    found: Fields = {"name": function.name, "parameters": schema}
    if function.description:
        found["description"] = function.description
    return {"type": "function", "function": found}


def content_with_images(content: Content) -> str | list[Fields]:
    """Text and images.

    Raises:
        InvalidRequestError: there is something else.
    """
    parts = parts_of(content)
    if any(isinstance(part, ImagePart) for part in parts):
        return [_part(part) for part in parts]
    return plain_text(content)


def _part(part: Part) -> Fields:
    match part:
        case TextPart(text=text):
            return {"type": "text", "text": text}
        case ImagePart(image_url=image):
            media(image.url, "messages.content.image_url.url")
            return {"type": "image_url", "image_url": {"url": image.url}}
        case _:
            raise InvalidRequestError("This provider takes text and images only.", param="messages.content.type")


def _message(message: Message, content_of: ContentOf) -> Fields:
    match message:
        case UserMessage(content=content):
            return {"role": "user", "content": content_of(content)}
        case AssistantMessage(tool_calls=calls) if calls:
            # With a content beside them the servers would not see the calls.
            return {"role": "assistant", "tool_calls": [_call(call) for call in calls]}
        case AssistantMessage(content=content, refusal=refusal):
            return {"role": "assistant", "content": plain_text(content) or refusal or ""}
        case ToolMessage(content=content, tool_call_id=call_id):
            return {"role": "tool", "content": plain_text(content), "tool_call_id": call_id}
        case _:
            role = "system" if isinstance(message, DeveloperMessage) else str(message.__struct_config__.tag)
            return {"role": role, "content": plain_text(message.content)}


def _call(call: Any) -> Fields:  # noqa: ANN401
    return msgspec.to_builtins({"id": call.id, "type": "function", "function": call.function})  # type: ignore[no-any-return]
