"""What is asked in an evaluation: cases, one JSON object a line, and the checks that an answer must pass."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import jsonschema_rs
import msgspec

MOST_BYTES: Final = 256 * 1024 * 1024
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Exact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="exact"):
    """The answer is ``value`` (by default what the case expects), but for spaces around it."""

    value: str | None = None
    ignore_case: bool = False


class Contains(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="contains"):
    """``value`` (by default what the case expects) stands in the answer."""

    value: str | None = None
    ignore_case: bool = True


class Regex(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="regex"):
    """Something in the answer matches ``pattern``, in Python's syntax."""

    pattern: str


class JsonSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="json_schema"):
    """The answer is JSON that ``schema`` allows."""

    schema: Mapping[str, Any]


class Similarity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="similarity"):
    """The answer means about what ``value`` does (by default what the case expects): the cosine of their embeddings."""

    value: str | None = None
    threshold: Share = 0.8


class Judged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="judge"):
    """A model says yes to ``criteria``, by default that the answer agrees with what the case expects."""

    criteria: str = "The answer agrees with the expected answer in all that matters."


Check = Exact | Contains | Regex | JsonSchema | Similarity | Judged
Kind = Literal["exact", "contains", "similarity", "judge"]
"""Checks that need nothing but what a case expects."""

BY_KIND: Final[Mapping[Kind, Check]] = {
    "exact": Exact(),
    "contains": Contains(),
    "similarity": Similarity(),
    "judge": Judged(),
}


class Case(msgspec.Struct, frozen=True):
    """One request and what is wanted of its answer: ``input`` is short for ``messages`` with one of the user's.

    Fields beside these, such as those of exported feedback, are of no interest here.
    """

    id: str = ""
    messages: Sequence[Mapping[str, Any]] = ()
    input: str | None = None
    prompt: Mapping[str, Any] | None = None
    expected: str | None = None
    checks: Sequence[Check] = ()

    def body(self) -> dict[str, Any]:
        """The part of a chat's body that is the case's own."""
        said = [] if self.input is None else [{"role": "user", "content": self.input}]
        return {"messages": [*self.messages, *said], **({"prompt": self.prompt} if self.prompt else {})}


class DatasetError(ValueError):
    """A dataset cannot be used; the message names the file and the line."""


def read(path: Path, usual: Sequence[Check]) -> Sequence[Case]:
    """The cases in the file at ``path``; those without checks of their own have the ``usual`` ones.

    Raises:
        DatasetError: it cannot be read, a line is no case, or two have the same id.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DatasetError(f"{path}: is larger than {MOST_BYTES // 1024**2} MiB")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from None
    found: dict[str, Case] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            case = _case(line, f"{path}:{number}", number, usual)
            if case.id in found:
                raise DatasetError(f"{path}:{number}: another case has the id '{case.id}' already")
            found[case.id] = case
    if not found:
        raise DatasetError(f"{path}: has no cases")
    return list(found.values())


def _case(line: bytes, where: str, number: int, usual: Sequence[Check]) -> Case:
    try:
        case = msgspec.json.decode(line, type=Case)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(f"{where}: is no case: {error}") from None
    case = msgspec.structs.replace(case, id=case.id or str(number), checks=case.checks or usual)
    if not (case.messages or case.input is not None or case.prompt):
        raise DatasetError(f"{where}: asks nothing: it needs 'messages', 'input' or 'prompt'")
    if not case.checks:
        raise DatasetError(f"{where}: has no 'checks', and none were given for all")
    for check in case.checks:
        if isinstance(check, Exact | Contains | Similarity) and check.value is None and case.expected is None:
            raise DatasetError(f"{where}: the check '{kind(check)}' needs 'expected', or a 'value'")
        if faulty := _faulty(check):
            raise DatasetError(f"{where}: the check '{kind(check)}' cannot be used: {faulty}")
    return case


def _faulty(check: Check) -> str:
    """What is wrong with a pattern or a schema, empty if nothing is."""
    try:
        if isinstance(check, Regex):
            re.compile(check.pattern)
        if isinstance(check, JsonSchema):
            jsonschema_rs.validator_for(dict(check.schema), offline=True)
    except jsonschema_rs.ValidationError as error:
        return error.message
    except (re.error, OverflowError, RecursionError, jsonschema_rs.ReferencingError, ValueError) as error:
        return str(error)
    return ""


def kind(check: Check) -> str:
    """What ``check`` is called."""
    return str(check.__struct_config__.tag)
