"""OpenAI's chat request as ``ConverseRequest``.

Source: AWS's service model of ``bedrock-runtime``, which botocore carries.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from forebay.core.types import Request
from forebay.providers.dialects.bedrock.blocks import safe_name
from forebay.providers.dialects.bedrock.turns import Conversation
from forebay.providers.dialects.chat import AssistantMessage, Chat, Named, SchemaFormat, TextFormat, Tool
from forebay.providers.dialects.history import check_tool_choice
from forebay.providers.dialects.parameters import Parameters

TRANSLATED = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "reasoning_effort",
        "response_format",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
FORCED = frozenset({"required"})
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 24_576, "xhigh": 32_768}
_ROOM = 4096
"""What a thinking model may write besides, where a request does not say."""

Fields = dict[str, Any]


def converse_request(request: Request, model: str, max_tokens: int | None, parameters: Parameters) -> Fields:
    """The body.

    Raises:
        InvalidRequestError: it is no chat, or one that the vendor has no words for.
        UnsupportedParameterError: the vendor has no counterpart for a parameter.
    """
    chat = parameters.read(request)
    conversation = Conversation(chat.messages)
    inference = _inference(chat, max_tokens)
    more = _more(chat, model, inference, parameters)
    body: Fields = {"messages": conversation.turns, **_tools(chat), **_form(chat, parameters)}
    if conversation.system:
        body["system"] = conversation.system
    if inference:
        body["inferenceConfig"] = inference
    if more:
        body["additionalModelRequestFields"] = more
    return body


def _inference(chat: Chat, max_tokens: int | None) -> Fields:
    found: Fields = {}
    if limit := chat.limit or max_tokens:
        found["maxTokens"] = limit
    if chat.temperature is not None:
        found["temperature"] = min(chat.temperature, 1)
    if chat.top_p is not None:
        found["topP"] = chat.top_p
    if stops := [stop for stop in chat.stops if stop and not stop.isspace()]:
        found["stopSequences"] = stops
    return found


def _more(chat: Chat, model: str, inference: Fields, parameters: Parameters) -> Fields:
    """What each vendor has its own word for; a Claude that thinks takes no temperature."""
    found: Fields = {}
    claude = "anthropic" in model
    if chat.top_k is not None and claude:
        found["top_k"] = chat.top_k
    elif chat.top_k is not None and "amazon.nova" in model:
        found["inferenceConfig"] = {"topK": chat.top_k}
    elif chat.top_k is not None:
        parameters.unsupported("top_k", "This model has no counterpart for it")
    effort = chat.reasoning_effort
    if effort is None or effort == "none":
        return found
    if "gpt-oss" in model:
        return found | {"reasoning_effort": effort}
    if not claude:
        parameters.unsupported("reasoning_effort", "This model has no counterpart for it")
        return found
    if chat.choice in FORCED or isinstance(chat.choice, Named):
        return found  # thinking and a forced call exclude each other
    budget = _BUDGETS[effort]
    inference["maxTokens"] = max(inference.get("maxTokens", budget + _ROOM), budget + 1)
    for name in ("temperature", "topP"):
        inference.pop(name, None)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _tools(chat: Chat) -> Fields:
    """Tools that were called must be described, even where none may be called any more."""
    check_tool_choice(chat)
    choice = chat.choice
    called = _called(chat)
    tools = [_tool(tool) for tool in chat.usable_tools] if choice != "none" or called else []
    known = {tool["toolSpec"]["name"] for tool in tools}
    tools += [_spec(name) for name in called if name not in known]
    if not tools:
        return {}
    config: Fields = {"tools": tools}
    if isinstance(choice, Named):
        config["toolChoice"] = {"tool": {"name": safe_name(choice.name)}}
    elif choice in FORCED:
        config["toolChoice"] = {"any": {}}
    return {"toolConfig": config}


def _called(chat: Chat) -> Sequence[str]:
    messages = [message for message in chat.messages if isinstance(message, AssistantMessage)]
    return list(dict.fromkeys(safe_name(call.function.name) for each in messages for call in each.tool_calls or ()))


def _tool(tool: Tool) -> Fields:
    function = tool.function
    made = _spec(safe_name(function.name), {"properties": {}, **(function.parameters or {})})
    if function.description:
        made["toolSpec"]["description"] = function.description
    if function.strict:
        made["toolSpec"]["strict"] = True
    return made


def _spec(name: str, schema: Fields | None = None) -> Fields:
    return {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object", **(schema or {})}}}}


def _form(chat: Chat, parameters: Parameters) -> Fields:
    wanted = chat.response_format
    if isinstance(wanted, SchemaFormat) and wanted.json_schema.schema:
        schema = {"schema": msgspec.json.encode(wanted.json_schema.schema).decode(), "name": wanted.json_schema.name}
        return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}}
    if wanted is not None and not isinstance(wanted, TextFormat):
        parameters.unsupported("response_format", "This provider needs a schema ('json_schema')")
    return {}
