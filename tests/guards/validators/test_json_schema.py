"""JSON Schema: the guard's own or the request's; what is wrong is told without what was said."""

from typing import Any

import msgspec
import pytest

from forebay.core.verdicts import PASSED, Action, Context, Side
from forebay.guards.validators.json_schema import JsonSchemaSettings, plugin
from tests.support.growing import OUTPUT
from tests.support.guarding import TOOLS

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}
GUARD = plugin.build(JsonSchemaSettings(SCHEMA), TOOLS)


async def test_passes_what_keeps_to_it() -> None:
    assert await GUARD.check(' {"age": 3}\n', OUTPUT) == PASSED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"age": "hunter2"}', 'at /age: the value is not of type "integer"'),
        ('{"age": -77}', "at /age"),
        ("{}", "required property"),
        ('{"age": 3', "no JSON"),
        ("hunter2", "no JSON"),
        ("\ud800", "no JSON"),
        ('"\ud800"', "no JSON"),
        ("[" * 100_000, ""),
    ],
)
async def test_tells_what_is_wrong_and_not_what_was_said(text: str, reason: str) -> None:
    verdict = await GUARD.check(text, OUTPUT)
    assert verdict.action is Action.BLOCK
    assert reason in verdict.reason
    assert "hunter2" not in verdict.reason
    assert "77" not in verdict.reason


async def test_takes_the_schema_of_the_request() -> None:
    guard = plugin.build(JsonSchemaSettings(), TOOLS)
    context = Context(Side.OUTPUT, schema='{"type": "string", "pattern": "^(a+)+$"}')
    assert await guard.check("no JSON at all", OUTPUT) == PASSED
    assert await guard.check('"aaa"', context) == PASSED
    assert (await guard.check(f'"{"a" * 50_000}!"', context)).action is Action.BLOCK
    for schema in ("{", '{"type": 3}', '{"$ref": "http://127.0.0.1:9/x"}'):
        with pytest.raises(ValueError, match="no JSON Schema"):
            await guard.check('"a"', Context(Side.OUTPUT, schema=schema))


@pytest.mark.parametrize("schema", [{"type": "objekt"}, {"$ref": "https://example.org/schema"}])
def test_refuses_a_schema_that_is_none(schema: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="no JSON Schema"):
        msgspec.convert({"schema": schema}, JsonSchemaSettings)
