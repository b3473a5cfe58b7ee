"""The tools of a chat: what a request says about them, and how a model that knows none is made to call them.

A model whose chat template has tools is told of them by its template, and calls them as it has learnt to. Any model can
be made to call one (``tool_choice`` required or named): the grammar leaves it nothing else to say, and where the
template has no tools a few lines of the system message describe them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from forebay.core.errors import InvalidRequestError, UnsupportedParameterError
from forebay.engine.grammar import Constraint

_MAX_TOOLS: Final = 128
_MAX_CALLS: Final = 16
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Mode = Literal["auto", "required"]


class Tool(msgspec.Struct, frozen=True):
    """A function that a model may call: its name, JSON schema of its arguments, and all of it as the client sent it."""

    name: str
    parameters: Mapping[str, Any]
    given: Mapping[str, Any]


class Tools(msgspec.Struct, frozen=True):
    """The tools of one request. With ``named`` there is one, whose arguments alone are asked for."""

    tools: tuple[Tool, ...]
    mode: Mode = "auto"
    named: bool = False
    parallel: bool = True

    @property
    def names(self) -> frozenset[str]:
        """The names of all."""
        return frozenset(tool.name for tool in self.tools)

    @property
    def given(self) -> list[Mapping[str, Any]]:
        """The tools as templates expect them."""
        return [tool.given for tool in self.tools]

    def constraint(self) -> Constraint | None:
        """What the answer must be where a call is required."""
        if self.mode == "auto":
            return None
        schema = self.tools[0].parameters if self.named else _calls(self.tools, _MAX_CALLS if self.parallel else 1)
        return Constraint("json_schema", msgspec.json.encode(schema).decode(), "tools")

    def described(self, messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The messages for a template that knows no tools: described at the beginning, and calls as text."""
        functions = [msgspec.json.encode(tool.given["function"]).decode() for tool in self.tools]
        form = (
            f"Call {self.tools[0].name}: answer with a JSON object of its arguments."
            if self.named
            else 'Answer with a JSON array of the calls to make: [{"name": ..., "arguments": {...}}]'
        )
        about = "\n".join(["You can call these functions:", *functions, form])
        first, *rest = [_as_text(message) for message in messages]
        if first["role"] == "system":
            return [{**first, "content": f"{first['content']}\n\n{about}"}, *rest]
        return [{"role": "system", "content": about}, first, *rest]


def of(tools: object, choice: object, *, parallel: bool) -> Tools | None:
    """The tools that ``tools`` and ``tool_choice`` of a request allow; ``None`` where nothing is to be called.

    Raises:
        InvalidRequestError: one of them is not of its form.
    """
    found = _tools(tools)
    if choice is None or choice in ("auto", "none", "required"):
        if not found and choice == "required":
            raise InvalidRequestError("'tool_choice' needs 'tools' to choose from.", param="tool_choice")
        if not found or choice == "none":
            return None
        return Tools(found, "required" if choice == "required" else "auto", parallel=parallel)
    return _chosen(found, choice, parallel=parallel)


def _chosen(found: tuple[Tool, ...], choice: object, *, parallel: bool) -> Tools:
    kind = choice.get("type") if isinstance(choice, dict) else None
    if isinstance(choice, dict) and kind == "function":
        return Tools((_named(found, choice, "tool_choice"),), "required", named=True)
    allowed = choice.get("allowed_tools") if isinstance(choice, dict) and kind == "allowed_tools" else None
    if not isinstance(allowed, dict) or allowed.get("mode") not in ("auto", "required"):
        raise InvalidRequestError(
            "'tool_choice' must be none, auto, required, or an object that names a function or allowed tools.",
            param="tool_choice",
        )
    names = allowed.get("tools")
    if not isinstance(names, list) or not names:
        raise InvalidRequestError("'allowed_tools' needs 'tools', an array.", param="tool_choice.allowed_tools.tools")
    some = tuple(_named(found, each, f"tool_choice.allowed_tools.tools[{number}]") for number, each in enumerate(names))
    return Tools(some, allowed["mode"], parallel=parallel)


def _named(found: Sequence[Tool], choice: object, param: str) -> Tool:
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    for tool in found:
        if tool.name == name:
            return tool
    raise InvalidRequestError(f"'{param}' names no function of 'tools'.", param=f"{param}.function.name")


def _tools(tools: object) -> tuple[Tool, ...]:
    if tools is None:
        return ()
    if not isinstance(tools, list) or len(tools) > _MAX_TOOLS:
        raise InvalidRequestError(f"'tools' must be an array of at most {_MAX_TOOLS}.", param="tools")
    found = tuple(_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools))
    if len({tool.name for tool in found}) < len(found):
        raise InvalidRequestError("Two of 'tools' have the same name.", param="tools")
    return found


def _tool(tool: object, param: str) -> Tool:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if not isinstance(tool, dict) or kind != "function":
        raise UnsupportedParameterError("A tool must be of type 'function'.", param=f"{param}.type")
    function = tool.get("function")
    if not isinstance(function, dict):
        raise InvalidRequestError("A tool needs 'function', an object.", param=f"{param}.function")
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequestError(
            "A function's name has 1 to 64 letters, digits, underscores and dashes.", param=f"{param}.function.name"
        )
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidRequestError(
            "A function's parameters are a JSON schema, an object.", param=f"{param}.function.parameters"
        )
    return Tool(name, parameters or {"type": "object", "properties": {}}, tool)


def _calls(tools: Sequence[Tool], most: int) -> dict[str, Any]:
    """A JSON schema of arrays of calls."""
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": most,
        "items": {"anyOf": [_call(tool) for tool in tools]},
        "$defs": {tool.name: _moved(tool.parameters, f"#/$defs/{tool.name}") for tool in tools},
    }


def _call(tool: Tool) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": {"$ref": f"#/$defs/{tool.name}"}},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _moved(schema: Any, place: str) -> Any:  # noqa: ANN401 - whatever stands in a schema
    """``schema`` as it must be at another ``place``: its references are to the document it stood in."""
    if isinstance(schema, list):
        return [_moved(each, place) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value, place) for key, value in schema.items()}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = place + reference[1:]
    return moved


def _as_text(message: Mapping[str, Any]) -> Mapping[str, Any]:
    calls = message.get("tool_calls")
    if not calls:
        return message
    text = msgspec.json.encode([call["function"] for call in calls]).decode()
    return {**message, "content": f"{message['content']}\n{text}".strip()}
