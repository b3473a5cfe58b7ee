"""A request for a response as OpenAI's chat."""

from typing import Any

import msgspec

from forebay.api.requests import named
from forebay.api.responses.items import conversation
from forebay.api.responses.shapes import JsonFormat, ResponseParams, SchemaFormat, Tool, ToolChoice
from forebay.core.errors import EmptyArrayError, InvalidRequestError, UnsupportedParameterError
from forebay.core.types import Operation, Request

Fields = dict[str, Any]

LOGPROBS = "message.output_text.logprobs"

# What would need a store of responses, or a service of OpenAI's; a remedy for each.
REFUSED = {
    "previous_response_id": "There is no store of responses here: send the earlier items in 'input'",
    "conversation": "There is no store of conversations here: send the earlier items in 'input'",
    "prompt": "There are no prompts here ('prompts' in the configuration): send 'instructions' and 'input'",
    "background": "Leave it out, and wait for the answer or stream it",
    "context_management": "Leave it out",
    "top_logprobs": "Leave it out; /v1/chat/completions has log-probabilities",
}


def chat_of(params: ResponseParams) -> Request:
    """The chat that ``params`` ask for.

    Raises:
        InvalidRequestError: they ask for what no chat has, or contradict themselves.
    """
    body = _prompt(params) | _sampling(params)
    stream = bool(params.stream)
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    encoded = msgspec.json.encode(body)
    request = Request(Operation.CHAT, named(params.model), encoded, stream, include_usage=stream, translated=True)
    return msgspec.structs.replace(request, watermark=params.watermark)


def count_of(params: ResponseParams) -> Request:
    """The question how many tokens its prompt has.

    Raises:
        InvalidRequestError: as for a response.
    """
    return Request(Operation.COUNT, named(params.model), msgspec.json.encode(_prompt(params)), translated=True)


def _prompt(params: ResponseParams) -> Fields:
    for name, remedy in REFUSED.items():
        if getattr(params, name):
            raise UnsupportedParameterError(f"Unsupported parameter: '{name}'. {remedy}.", param=name)
    if LOGPROBS in (params.include or ()):
        raise UnsupportedParameterError(
            f"Unsupported parameter: 'include' with '{LOGPROBS}'. {REFUSED['top_logprobs']}.", param="include"
        )
    messages = conversation(params.instructions, params.input).messages()
    if not messages:
        raise EmptyArrayError("Invalid 'input': expected at least one item that says something.", param="input")
    return {"model": params.model, "messages": messages, **_tools(params), **_form(params)}


def _tools(params: ResponseParams) -> Fields:
    offered = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(params.tools or ())]
    choice = params.tool_choice
    if not offered:
        if choice == "required" or isinstance(choice, ToolChoice):
            raise InvalidRequestError("'tool_choice' wants a tool to be called, but there are none.", param="tools")
        return {}
    fields: Fields = {"tools": offered}
    if isinstance(choice, ToolChoice):
        fields["tool_choice"] = _choice(choice, {tool.name or "" for tool in params.tools or ()})
    elif choice is not None:
        fields["tool_choice"] = choice
    if params.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = params.parallel_tool_calls
    return fields


def _tool(tool: Tool, param: str) -> Fields:
    if tool.type != "function":
        raise UnsupportedParameterError(
            f"Tools of type '{tool.type}' run at OpenAI. Leave it out, or give a function of your own.",
            param=f"{param}.type",
        )
    if not tool.name:
        raise InvalidRequestError(f"Missing required parameter: '{param}.name'.", param=f"{param}.name")
    given = {"description": tool.description, "parameters": tool.parameters, "strict": tool.strict}
    function = {"name": tool.name, **{name: value for name, value in given.items() if value is not None}}
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice, offered: set[str]) -> Fields:
    if choice.type == "function":
        return _function(choice.name, offered, "tool_choice.name")
    if choice.type == "allowed_tools" and choice.tools:
        tools = [
            _function(tool.name, offered, f"tool_choice.tools[{number}].name")
            for number, tool in enumerate(choice.tools)
        ]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode or "auto", "tools": tools}}
    raise UnsupportedParameterError(
        f"A 'tool_choice' of type '{choice.type}' is not supported; name a function.", param="tool_choice.type"
    )


def _function(name: str | None, offered: set[str], param: str) -> Fields:
    if name not in offered:
        raise InvalidRequestError(f"'tool_choice' names '{name}', which is not among 'tools'.", param=param)
    return {"type": "function", "function": {"name": name}}


def _form(params: ResponseParams) -> Fields:
    form = params.text.format if params.text else None
    if isinstance(form, SchemaFormat):
        schema = msgspec.structs.asdict(form)
        given = {name: value for name, value in schema.items() if value is not None}
        return {"response_format": {"type": "json_schema", "json_schema": given}}
    return {"response_format": {"type": "json_object"}} if isinstance(form, JsonFormat) else {}


def _sampling(params: ResponseParams) -> Fields:
    wanted = {
        "max_tokens": params.max_output_tokens,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "reasoning_effort": params.reasoning and params.reasoning.effort,
        "verbosity": params.text and params.text.verbosity,
        "user": params.user,
        "safety_identifier": params.safety_identifier,
        "prompt_cache_key": params.prompt_cache_key,
        "seed": params.seed,
        "stop": params.stop,
        "frequency_penalty": params.frequency_penalty,
        "presence_penalty": params.presence_penalty,
        "watermark": params.watermark,
        "service_tier": None if params.service_tier == "auto" else params.service_tier,
    }
    return {name: value for name, value in wanted.items() if value is not None}
