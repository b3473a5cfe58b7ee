"""Anthropic's request as OpenAI's chat."""

from collections.abc import Sequence
from typing import Any

import msgspec

from forebay.api.anthropic.shapes import (
    AnyChoice,
    CountParams,
    Enabled,
    MessageParams,
    NoChoice,
    Tool,
    ToolChoice,
)
from forebay.api.anthropic.turns import conversation
from forebay.api.requests import named
from forebay.core.decode import decode
from forebay.core.errors import EmptyArrayError, InvalidRequestError, UnsupportedParameterError
from forebay.core.types import Operation, Request

Fields = dict[str, Any]

ALONE_THEIRS = ("container", "mcp_servers", "inference_geo")

# Budgets of thinking tokens, each up to which effort; what is above the last is high.
BUDGETS = ((2048, "low"), (8192, "medium"))
EFFORTS = {"max": "xhigh"}


def chat_of(params: MessageParams) -> Request:
    """A request for a message.

    Raises:
        InvalidRequestError: it asks for what only Anthropic has, or for what contradicts itself.
    """
    body = _prompt(params) | {"max_tokens": params.max_tokens} | _sampling(params)
    stream = bool(params.stream)
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    asked = {} if params.watermark is None else {"watermark": params.watermark}
    request = _request(Operation.CHAT, params, body | asked, stream=stream)
    return msgspec.structs.replace(request, watermark=params.watermark)


def count_of(body: bytes) -> Request:
    """A request to count the tokens of a prompt.

    Raises:
        InvalidRequestError: as for a message.
    """
    params = decode(body, CountParams)
    return _request(Operation.COUNT, params, _prompt(params), stream=False)


def _request(operation: Operation, params: CountParams, body: Fields, *, stream: bool) -> Request:
    encoded = msgspec.json.encode(body)
    return Request(operation, named(params.model), encoded, stream, include_usage=stream, translated=True)


def _prompt(params: CountParams) -> Fields:
    for name in ALONE_THEIRS:
        if getattr(params, name) is not None:
            raise UnsupportedParameterError(f"Unsupported parameter: '{name}'. Leave it out.", param=name)
    if not params.messages:
        raise EmptyArrayError("Invalid 'messages': expected at least one message.", param="messages")
    messages = conversation(params.system, params.messages).messages()
    if params.cache_control is not None:
        messages[-1].setdefault("cache_control", params.cache_control)
    return {"model": params.model, "messages": messages, **_tools(params), **_effort(params), **_form(params)}


def _tools(params: CountParams) -> Fields:
    offered = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(params.tools or ())]
    choice = params.tool_choice
    if not offered:
        if isinstance(choice, AnyChoice | ToolChoice):
            raise InvalidRequestError("'tool_choice' wants a tool to be called, but there are none.", param="tools")
        return {}
    fields: Fields = {"tools": offered}
    if choice is None:
        return fields
    match choice:
        case NoChoice():
            return {**fields, "tool_choice": "none"}
        case ToolChoice(name=name):
            _check_offered(name, params.tools or ())
            fields["tool_choice"] = {"type": "function", "function": {"name": name}}
        case AnyChoice():
            fields["tool_choice"] = "required"
        case _:
            fields["tool_choice"] = "auto"
    if choice.disable_parallel_tool_use:
        fields["parallel_tool_calls"] = False
    return fields


def _tool(tool: Tool, param: str) -> Fields:
    if tool.type not in {None, "custom"}:
        raise UnsupportedParameterError(
            f"The tool '{tool.name}' of type '{tool.type}' is Anthropic's own. Leave it out, or give one of yours, "
            "with an 'input_schema'.",
            param=f"{param}.type",
        )
    if tool.input_schema is None:
        raise InvalidRequestError(f"Missing required parameter: '{param}.input_schema'.", param=f"{param}.input_schema")
    function: Fields = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict:
        function["strict"] = True
    marked = {} if tool.cache_control is None else {"cache_control": tool.cache_control}
    return {"type": "function", "function": function, **marked}


def _check_offered(name: str, tools: Sequence[Tool]) -> None:
    if all(tool.name != name for tool in tools):
        raise InvalidRequestError(
            f"'tool_choice' names the tool '{name}', which is not among 'tools'.", param="tool_choice.name"
        )


def _effort(params: CountParams) -> Fields:
    """How much to think: in Anthropic's words for Anthropic, and for all others in OpenAI's, as far as these go."""
    fields: Fields = {} if params.thinking is None else {"thinking": params.thinking}
    config = params.output_config
    if config is not None and config.effort is not None:
        fields["reasoning_effort"] = EFFORTS.get(config.effort, config.effort)
    elif isinstance(params.thinking, Enabled):
        budget = params.thinking.budget_tokens
        fields["reasoning_effort"] = next((effort for most, effort in BUDGETS if budget <= most), "high")
    return fields


def _form(params: CountParams) -> Fields:
    config = params.output_config
    if config is None or config.format is None:
        return {}
    schema = {"name": "answer", "schema": config.format.schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _sampling(params: MessageParams) -> Fields:
    wanted = {
        "temperature": params.temperature,
        "top_p": params.top_p,
        "top_k": params.top_k,
        "stop": params.stop_sequences or None,
        "user": params.metadata and params.metadata.user_id,
    }
    return {name: value for name, value in wanted.items() if value is not None}
