"""Every field of OpenAI's requests was thought of: it is part of the key, or named as one that is not."""

from typing import Any

import pytest

from forebay.gateway.cache.fields import KEYED, LEFT_OUT
from tests.support.schemas import document


def fields(schema: str) -> set[str]:
    """The names of a schema's properties, through all that it is made of."""
    schemas = document("openai")["components"]["schemas"]

    def walk(node: dict[str, Any]) -> set[str]:
        if "$ref" in node:
            return walk(schemas[node["$ref"].rpartition("/")[2]])
        found = set(node.get("properties") or {})
        return found.union(*map(walk, node.get("allOf") or ()))

    return walk(schemas[schema])


@pytest.mark.parametrize("schema", ["CreateChatCompletionRequest", "CreateCompletionRequest", "CreateEmbeddingRequest"])
def test_every_field_is_classified(schema: str) -> None:
    found = fields(schema)
    assert len(found) >= 5
    assert found <= KEYED | LEFT_OUT


def test_no_field_is_both() -> None:
    assert not KEYED & LEFT_OUT
