"""How Claude is to answer: with which tools, in which form, after how much thought."""

from collections.abc import Mapping
from typing import Any

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.anthropic.models import Abilities
from forebay.providers.dialects.chat import (
    AssistantMessage,
    Chat,
    Function,
    JsonFormat,
    Named,
    Schema,
    SchemaFormat,
    ThinkingChoice,
    Tool,
    ToolMessage,
)
from forebay.providers.dialects.history import check_tool_choice, names_of_calls

JSON_TOOL = "answer_in_json"
MIN_BUDGET = 1024
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576}
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_OBJECT = msgspec.Raw(b'"object"')
_EMPTY = msgspec.Raw(b"{}")

Fields = dict[str, Any]


class Form:
    """The form that was asked for: none, a schema the model can be held to, or a tool whose input is the answer."""

    def __init__(self, chat: Chat, able: Abilities) -> None:
        wanted = chat.response_format
        self.schema: Any = None
        self.tool: Fields | None = None
        if isinstance(wanted, SchemaFormat):
            schema = wanted.json_schema.schema or {}
            if able.schemas and schema:
                self.schema = closed(msgspec.json.decode(msgspec.json.encode(schema)))
            else:
                self.tool = _json_tool(schema, wanted.json_schema.description)
        elif isinstance(wanted, JsonFormat):
            self.tool = _json_tool({}, None)


def closed(schema: Any) -> Any:  # noqa: ANN401  # any JSON
    """``schema`` with ``additionalProperties: false`` in every object, without which Anthropic refuses it."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    done = {name: each if name in {"enum", "const", "default"} else closed(each) for name, each in schema.items()}
    if done.get("type") == "object":
        done["additionalProperties"] = False
    return done


def tools(chat: Chat, form: Form, able: Abilities) -> Fields:
    """``tools`` and ``tool_choice``.

    Raises:
        InvalidRequestError: a tool must be called, but there is none.
    """
    offered = [_tool(tool, able) for tool in chat.usable_tools] if chat.tools else []
    if form.tool is not None:
        choice: Fields = {"type": "any"} if offered and chat.choice != "none" else {"type": "tool", "name": JSON_TOOL}
        return {"tools": [*offered, form.tool], "tool_choice": {**choice, "disable_parallel_tool_use": True}}
    if offered:
        return {"tools": offered, **_choice(chat)}
    check_tool_choice(chat)
    return _past_tools(chat)


def thinking(chat: Chat, limit: int, able: Abilities, chosen: Mapping[str, Any]) -> Fields:
    """How much to think; for an effort not at all where Anthropic would refuse it.

    That is when a tool is forced, or when the model is in the middle of a turn that began without thinking.

    Raises:
        InvalidRequestError: Anthropic's own ``thinking`` lacks its budget.
    """
    effort = chat.reasoning_effort
    if chat.thinking is not None:
        fields: Fields = {"thinking": _chosen_thinking(chat.thinking)}
        if effort and effort != "none" and able.thinking == "effort" and chat.thinking.type != "enabled":
            fields["output_config"] = {"effort": _level(effort, able)}
        return fields
    if effort is None or effort == "none" or able.thinking == "none":
        return {}
    if chosen.get("type") in {"any", "tool"} or _began_without_thinking(chat):
        return {}
    if able.thinking == "effort":
        level = _level(effort, able)
        return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": level}}
    budget = min(_BUDGETS[effort], limit - 1)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= MIN_BUDGET else {}


def _level(effort: str, able: Abilities) -> str:
    return {"minimal": "low", "xhigh": able.most_effort}.get(effort, effort)


def _chosen_thinking(choice: ThinkingChoice) -> Fields:
    """What a client asked for in Anthropic's words is Anthropic's to refuse, as long as it is well formed."""
    if choice.type == "disabled":
        return {"type": "disabled"}
    fields: Fields = {"type": choice.type}
    if choice.display is not None:
        fields["display"] = choice.display
    if choice.type == "enabled":
        if choice.budget_tokens is None:
            raise InvalidRequestError(
                "'thinking' of type 'enabled' needs 'budget_tokens'.", param="thinking.budget_tokens"
            )
        fields["budget_tokens"] = choice.budget_tokens
    return fields


def _json_tool(schema: Schema, description: str | None) -> Fields:
    return {
        "name": JSON_TOOL,
        "description": description or "Give the answer, as the input of this tool.",
        "input_schema": _input_schema(schema),
    }


def _tool(tool: Tool, able: Abilities) -> Fields:
    function = tool.function
    fields: Fields = {"name": function.name, "input_schema": _input_schema(function.parameters or {})}
    if function.description:
        fields["description"] = function.description
    if function.strict and able.schemas:
        fields["strict"] = True
    if control := tool.cache_control or function.cache_control:
        fields["cache_control"] = control
    return fields


def _input_schema(schema: Schema) -> Schema:
    return {"properties": _EMPTY, **schema, "type": _OBJECT}


def _choice(chat: Chat) -> Fields:
    choice = chat.choice
    if isinstance(choice, Named):
        fields: Fields = {"type": "tool", "name": choice.name}
    elif choice is None and chat.parallel_tool_calls is not False:
        return {}
    else:
        fields = {"type": _CHOICES[choice or "auto"]}
    if chat.parallel_tool_calls is False and fields["type"] != "none":
        fields["disable_parallel_tool_use"] = True
    return {"tool_choice": fields}


def _past_tools(chat: Chat) -> Fields:
    """Tools that stand in the conversation have to be declared, even if none may be called any more."""
    names = names_of_calls(chat.messages).values()
    declared = [_tool(Tool(Function(name)), Abilities()) for name in dict.fromkeys(map(_safe_name, names))]
    return {"tools": declared, "tool_choice": {"type": "none"}} if declared else {}


def _safe_name(name: str) -> str:
    return "".join(each if each.isascii() and (each.isalnum() or each in "_-") else "_" for each in name)[:128]


def _began_without_thinking(chat: Chat) -> bool:
    for message in reversed(chat.messages):
        if isinstance(message, AssistantMessage):
            return bool(message.tool_calls) and not message.thinking_blocks
        if not isinstance(message, ToolMessage):
            return False
    return False
