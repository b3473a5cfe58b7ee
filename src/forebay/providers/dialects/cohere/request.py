"""OpenAI's chat request as the body of Cohere's ``POST /v2/chat``; the two are close."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.core.types import Request
from forebay.providers.dialects.chat import (
    AssistantMessage,
    Chat,
    ImagePart,
    JsonFormat,
    Message,
    Named,
    Part,
    SchemaFormat,
    TextPart,
    Tool,
    ToolMessage,
    UserMessage,
    arguments_of,
    parts_of,
    text_of,
)
from forebay.providers.dialects.history import check_tool_choice
from forebay.providers.dialects.json_schema import inlined
from forebay.providers.dialects.media import Inline, media
from forebay.providers.dialects.parameters import Parameters

TRANSLATED = frozenset(
    {
        "frequency_penalty",
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
        "top_p",
    }
)
PLACEHOLDER = "."
"""What a user says who must say something."""

_MOST_K = 500
_SEEDS = 2**63
_THINKS = re.compile(r"reasoning|thinking")
_BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576}

Fields = dict[str, Any]


def chat_request(request: Request, model: str, max_tokens: int | None, parameters: Parameters) -> Fields:
    """The body; ``max_tokens`` is the operator's limit where the request has none.

    Raises:
        InvalidRequestError: it is no chat, or one that the vendor has no words for.
        UnsupportedParameterError: the vendor has no counterpart for a parameter.
    """
    chat = parameters.read(request)
    body: Fields = {"model": model, "messages": _messages(chat.messages), "stream": request.stream}
    if limit := chat.limit or max_tokens:
        body["max_tokens"] = limit
    if stops := [stop for stop in chat.stops if stop]:
        body["stop_sequences"] = stops
    return body | _sampling(chat, parameters) | _tools(chat) | _form(chat) | _thinking(chat, model)


def _messages(messages: Sequence[Message]) -> list[Fields]:
    found = [made for message in messages if (made := _message(message))]
    return found or [{"role": "user", "content": PLACEHOLDER}]


def _message(message: Message) -> Fields | None:
    match message:
        case UserMessage():
            content = _shown(message.content) if not isinstance(message.content, str) else message.content
            return {"role": "user", "content": content} if content else None
        case AssistantMessage():
            return _said(message)
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.tool_call_id, "content": text_of(message.content)}
        case _:
            text = text_of(message.content)
            return {"role": "system", "content": text} if text else None


def _said(message: AssistantMessage) -> Fields | None:
    """What was said before calls is the plan for them."""
    text = text_of(message.content) or message.refusal or ""
    if not message.tool_calls:
        return {"role": "assistant", "content": text} if text else None
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {
                "name": call.function.name,
                "arguments": msgspec.json.encode(arguments_of(call.function)).decode(),
            },
        }
        for call in message.tool_calls
    ]
    return {"role": "assistant", "tool_calls": calls, **({"tool_plan": text} if text else {})}


def _shown(content: list[Part] | None) -> list[Fields]:
    return [made for part in parts_of(content) if (made := _part(part))]


def _part(part: Part) -> Fields | None:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text} if part.text else None
        case ImagePart():
            found = media(part.image_url.url, "messages.content.image_url.url")
            url = f"data:{found.media_type};base64,{found.data}" if isinstance(found, Inline) else found.url
            return {"type": "image_url", "image_url": {"url": url}}
        case _:
            raise InvalidRequestError("This provider takes text and images only.", param="messages.content.type")


def _sampling(chat: Chat, parameters: Parameters) -> Fields:
    """Each within Cohere's narrower range."""
    found: Fields = {}
    if chat.temperature is not None:
        found["temperature"] = min(chat.temperature, 1)
    if chat.top_p is not None:
        found["p"] = min(max(chat.top_p, 0.01), 0.99)
    if chat.top_k is not None:
        found["k"] = min(chat.top_k, _MOST_K)
    if chat.seed is not None:
        found["seed"] = chat.seed % _SEEDS
    for name in ("frequency_penalty", "presence_penalty"):
        value = getattr(chat, name)
        if value is not None and value < 0:
            parameters.unsupported(name, "This provider has no negative penalties")
        elif value:
            found[name] = min(value, 1)
    return found


def _tools(chat: Chat) -> Fields:
    """A named tool is the only one offered, and required."""
    check_tool_choice(chat)
    tools, choice = chat.usable_tools, chat.choice
    if isinstance(choice, Named):
        tools = [tool for tool in tools if tool.function.name == choice.name]
        if not tools:
            raise InvalidRequestError("'tool_choice' names a tool that is not in 'tools'.", param="tool_choice")
    if not tools:
        return {}
    body: Fields = {"tools": [_tool(tool) for tool in tools]}
    if any(tool.function.strict for tool in tools):
        body["strict_tools"] = True
    if choice == "none":
        body["tool_choice"] = "NONE"
    elif choice not in {None, "auto"}:
        body["tool_choice"] = "REQUIRED"
    return body


def _tool(tool: Tool) -> Fields:
    function = tool.function
    parameters = inlined(function.parameters or {}, "tools.function.parameters")
    made: Fields = {"name": function.name, "parameters": {"type": "object", "properties": {}, **parameters}}
    if function.description:
        made["description"] = function.description
    return {"type": "function", "function": made}


def _form(chat: Chat) -> Fields:
    wanted = chat.response_format
    if isinstance(wanted, SchemaFormat):
        schema = inlined(wanted.json_schema.schema or {}, "response_format.json_schema.schema")
        return {"response_format": {"type": "json_object", **({"json_schema": schema} if schema else {})}}
    return {"response_format": {"type": "json_object"}} if isinstance(wanted, JsonFormat) else {}


def _thinking(chat: Chat, model: str) -> Fields:
    """Only the models that think know the word."""
    effort = chat.reasoning_effort
    if effort is None or not _THINKS.search(model):
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled", "token_budget": _BUDGETS[effort]}}
