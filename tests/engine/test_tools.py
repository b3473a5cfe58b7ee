"""What a request may say about tools, and how it is told what is wrong with that."""

import json
from typing import Any

import jsonschema_rs
import pytest

from forebay.core.errors import InvalidRequestError
from forebay.engine import tools
from forebay.engine.tools import Tools

CITY = {"type": "object", "properties": {"city": {"$ref": "#/$defs/name"}}, "$defs": {"name": {"type": "string"}},
        "required": ["city"], "additionalProperties": False}  # fmt: skip


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


WEATHER, STOP = function("weather", description="Tells it.", parameters=CITY), function("stop")
BOTH = [WEATHER, STOP]


def of(given: object, choice: object = None, *, parallel: bool = True) -> Tools:
    found = tools.of(given, choice, parallel=parallel)
    assert found is not None
    return found


def schema(found: Tools) -> jsonschema_rs.Draft202012Validator:
    constraint = found.constraint()
    assert constraint is not None
    assert (constraint.kind, constraint.param) == ("json_schema", "tools")
    return jsonschema_rs.Draft202012Validator(json.loads(constraint.source))


@pytest.mark.parametrize("given", [None, []])
@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_without_tools_nothing_is_called(given: object, choice: object) -> None:
    assert tools.of(given, choice, parallel=True) is None


def test_none_is_to_be_called() -> None:
    assert tools.of(BOTH, "none", parallel=True) is None


def test_by_itself_a_model_chooses() -> None:
    for choice in (None, "auto"):
        found = of(BOTH, choice)
        assert found.mode == "auto"
        assert found.names == {"weather", "stop"}
        assert found.given == BOTH
        assert found.constraint() is None


def test_a_call_can_be_required() -> None:
    valid = schema(of(BOTH, "required")).is_valid
    weather, stop = {"name": "weather", "arguments": {"city": "Rome"}}, {"name": "stop", "arguments": {}}
    assert valid([weather])
    assert valid([weather, stop])
    assert not valid([])
    assert not valid([{"name": "weather", "arguments": {"city": 5}}])
    assert not valid([{"name": "other", "arguments": {}}])
    assert not schema(of(BOTH, "required", parallel=False)).is_valid([weather, stop])


def test_a_function_can_be_named() -> None:
    found = of(BOTH, {"type": "function", "function": {"name": "weather"}})
    assert found.named
    assert schema(found).is_valid({"city": "Rome"})
    assert not schema(found).is_valid({})


def test_some_tools_can_be_allowed() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [function("stop")]}}
    assert of(BOTH, choice).names == {"stop"}
    assert schema(of(BOTH, choice)).is_valid([{"name": "stop", "arguments": {}}])


def test_a_model_is_told_in_its_system_message() -> None:
    found = of(BOTH, "required")
    asked = {"role": "user", "content": "Rome?"}
    added, user = found.described([asked])
    assert user == asked
    assert added["role"] == "system"
    assert "Tells it." in added["content"]
    system, _ = found.described([{"role": "system", "content": "Be brief."}, asked])
    assert system["content"] == f"Be brief.\n\n{added['content']}"


def test_a_model_sees_what_it_has_called() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Rome"}}}
    _, said = of(BOTH).described([{"role": "assistant", "content": "", "tool_calls": [call]}])
    assert json.loads(said["content"]) == [{"name": "weather", "arguments": {"city": "Rome"}}]


@pytest.mark.parametrize(
    ("given", "choice", "param"),
    [
        ({}, None, "tools"),
        ([STOP] * 129, None, "tools"),
        ([STOP, STOP], None, "tools"),
        ([5], None, "tools[0].type"),
        ([STOP, {"type": "custom", "custom": {}}], None, "tools[1].type"),
        ([{"type": "function"}], None, "tools[0].function"),
        ([function("")], None, "tools[0].function.name"),
        ([function("a b")], None, "tools[0].function.name"),
        ([function("x" * 65)], None, "tools[0].function.name"),
        ([function("a", parameters=[])], None, "tools[0].function.parameters"),
        (None, "required", "tool_choice"),
        (BOTH, "sometimes", "tool_choice"),
        (BOTH, 5, "tool_choice"),
        (BOTH, {"type": "custom"}, "tool_choice"),
        (BOTH, {"type": "function"}, "tool_choice.function.name"),
        (BOTH, function("other"), "tool_choice.function.name"),
        (None, function("other"), "tool_choice.function.name"),
        (BOTH, {"type": "allowed_tools"}, "tool_choice"),
        (BOTH, {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}, "tool_choice.allowed_tools.tools"),
        (
            BOTH,
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [STOP, 5]}},
            "tool_choice.allowed_tools.tools[1].function.name",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_field(given: object, choice: object, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        tools.of(given, choice, parallel=True)
    assert caught.value.param == param
