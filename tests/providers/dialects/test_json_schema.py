"""References become what they name, within bounds."""

from typing import Any

import msgspec
import pytest

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.chat import Schema
from forebay.providers.dialects.json_schema import inlined


def resolved(schema: dict[str, Any]) -> Any:
    return inlined(msgspec.json.decode(msgspec.json.encode(schema), type=Schema), "tools")


def test_what_a_reference_names_stands_in_its_place() -> None:
    schema = {
        "properties": {
            "a": {"$ref": "#/$defs/x~1y", "description": "mine"},
            "b": {"items": {"$ref": "#/definitions/z"}},
            "c": {"const": {"$ref": "#/$defs/x~1y"}},
        },
        "$defs": {"x/y": {"type": "string", "description": "theirs"}},
        "definitions": {"z": {"$ref": "#/$defs/x~1y"}},
    }
    assert resolved(schema) == {
        "properties": {
            "a": {"type": "string", "description": "mine"},
            "b": {"items": {"type": "string", "description": "theirs"}},
            "c": {"const": {"$ref": "#/$defs/x~1y"}},
        }
    }


def test_what_contains_itself_is_left_open() -> None:
    schema = {"$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}
    assert resolved(schema) == {"type": "object", "properties": {"next": {}}}
    assert resolved({"type": "object", "properties": {"x": {"$ref": "#"}}}) == {
        "type": "object",
        "properties": {"x": {"type": "object", "properties": {"x": {}}}},
    }


def test_what_grows_without_bounds_is_refused() -> None:
    doubled = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    schema = {"$defs": {**doubled, "d40": {"type": "string"}}, "$ref": "#/$defs/d0"}
    with pytest.raises(InvalidRequestError, match="too large"):
        resolved(schema)


@pytest.mark.parametrize("reference", ["#/$defs/none", "https://x.test/schema", "x", "#/a/b", ""])
def test_what_is_not_in_it_is_refused(reference: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        resolved({"properties": {"a": {"$ref": reference}}})
    assert caught.value.param == "tools"
