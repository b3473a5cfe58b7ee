"""What a request may say about the form of its answer, and how it is told what is wrong with that."""

import json
from typing import Any

import pytest

from forebay.core.errors import InvalidRequestError
from forebay.engine.constraints import constraint

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}


@pytest.mark.parametrize("free", [{}, {"response_format": None}, {"response_format": {"type": "text"}}])
def test_an_answer_is_free(free: dict[str, Any]) -> None:
    assert constraint(free) is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"response_format": FORMAT}, "response_format.json_schema.schema"),
        ({"guided_json": SCHEMA}, "guided_json"),
        ({"guided_json": json.dumps(SCHEMA)}, "guided_json"),
        ({"structured_outputs": {"json": SCHEMA, "regex": None}}, "structured_outputs.json"),
    ],
)
def test_a_schema_comes_in_several_ways(body: dict[str, Any], param: str) -> None:
    found = constraint(body)
    assert found is not None
    assert found.kind == "json_schema"
    assert json.loads(found.source) == SCHEMA
    assert found.param == param


@pytest.mark.parametrize(
    "body",
    [
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        {"structured_outputs": {"json_object": True}},
    ],
)
def test_any_object(body: dict[str, Any]) -> None:
    found = constraint(body)
    assert found is not None
    assert json.loads(found.source) == {"type": "object"}


def test_the_properties_of_a_schema_stay_in_their_order() -> None:
    found = constraint({"guided_json": {"properties": {"b": {}, "a": {}}}})
    assert found is not None
    assert found.source == '{"properties":{"b":{},"a":{}}}'


@pytest.mark.parametrize("prefix", ["guided_", "structured_outputs."])
@pytest.mark.parametrize(
    ("name", "value", "kind", "source"),
    [
        ("regex", "a+", "regex", "a+"),
        ("grammar", "start: A", "lark", "start: A"),
        ("choice", ["yes", 'no "é"'], "lark", 'start: "yes" | "no \\"é\\""'),
    ],
)
def test_the_other_kinds(prefix: str, name: str, value: object, kind: str, source: str) -> None:
    body = {f"guided_{name}": value} if prefix == "guided_" else {"structured_outputs": {name: value}}
    assert constraint(body) == (kind, source, prefix + name)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": ["text"]}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 5}}},
            "response_format.json_schema.schema",
        ),
        ({"guided_json": "{"}, "guided_json"),
        ({"guided_json": "[" * 10_000}, "guided_json"),
        ({"guided_json": []}, "guided_json"),
        ({"guided_regex": ""}, "guided_regex"),
        ({"guided_regex": 5}, "guided_regex"),
        ({"guided_choice": []}, "guided_choice"),
        ({"guided_choice": ["a", 5]}, "guided_choice[1]"),
        ({"guided_choice": ["a"] * 1001}, "guided_choice"),
        ({"guided_grammar": {}}, "guided_grammar"),
        ({"structured_outputs": []}, "structured_outputs"),
        ({"structured_outputs": {}}, "structured_outputs"),
        ({"structured_outputs": {"regex": None}}, "structured_outputs"),
        ({"structured_outputs": {"regx": "a"}}, "structured_outputs.regx"),
        ({"structured_outputs": {"regex": "a", "zzz": 1}}, "structured_outputs.zzz"),
        ({"structured_outputs": {"regex": 5}}, "structured_outputs.regex"),
        ({"guided_regex": "a", "response_format": FORMAT}, "guided_regex"),
        ({"structured_outputs": {"regex": "a", "json": {}}}, "structured_outputs.regex"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        constraint(body)
    assert caught.value.param == param
    assert param in caught.value.message
