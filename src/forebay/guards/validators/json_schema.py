"""A text that must be JSON that a schema allows: its own, or the one that the request demands of an answer."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Context, Verdict
from forebay.guards.function import Judged
from forebay.guards.validators.base import blocked
from forebay.plugins import GuardPlugin, GuardTools

AT_ONCE = 2_000
MAX_TOLD = 5
Violations = Callable[[Any], list[str]]


class JsonSchemaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``schema`` (JSON Schema, any draft); without it that of the request's ``response_format`` counts.

    Without either every text passes.
    """

    schema: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a schema that is none."""
        if self.schema is not None:
            _compiled(msgspec.json.encode(self.schema).decode())


class JsonSchema:
    """Blocks what is no JSON, or not what the schema demands; the reason says where, and never what stands there."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    def __call__(self, text: str, context: Context) -> Verdict:
        """Whether ``text`` keeps to the schema.

        Raises:
            ValueError: the request's schema is none.
        """
        schema = self._schema or context.schema
        if not schema:
            return PASSED
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            where = str(error).rpartition("(")[2].rstrip(")") if "(byte" in str(error) else "in a character"
            return blocked(f"it is no JSON ({where})")
        except RecursionError:
            return blocked("it is nested too deeply")
        found = _compiled(schema)(value)
        return blocked("it breaks the schema: " + "; ".join(found)) if found else PASSED


@lru_cache(maxsize=64)
def _compiled(schema: str) -> Violations:
    """A function that tells the first `MAX_TOLD` violations.

    Nothing is fetched for a ``$ref``, and patterns take linear time: a schema may come with a request.
    """
    try:
        options = jsonschema_rs.RegexOptions()
        validator = jsonschema_rs.validator_for(
            msgspec.json.decode(schema), mask="the value", offline=True, pattern_options=options
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, msgspec.DecodeError, ValueError) as error:
        raise ValueError(f"that is no JSON Schema: {getattr(error, 'message', error)}") from error

    def violations(value: Any) -> list[str]:  # noqa: ANN401  # any JSON
        errors = zip(range(MAX_TOLD), validator.iter_errors(value), strict=False)
        return [f"at {_pointer(error.instance_path)}: {error.message}" for _, error in errors]

    return violations


def _pointer(path: list[str | int]) -> str:
    return "the top" if not path else "/" + "/".join(map(str, path))


def _build(settings: JsonSchemaSettings, _tools: GuardTools) -> Guard:
    schema = "" if settings.schema is None else msgspec.json.encode(settings.schema).decode()
    return Judged(JsonSchema(schema), None, AT_ONCE)


plugin = GuardPlugin(JsonSchemaSettings, _build)
