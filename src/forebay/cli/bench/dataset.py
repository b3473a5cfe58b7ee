"""Questions from a file: requests of OpenAI's API, plain prompts, or ShareGPT's conversations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from forebay.cli.bench.bodies import Fields, asked
from forebay.cli.bench.failures import BenchError
from forebay.cli.bench.target import Operation

HUMAN: Final = frozenset({"human", "user"})
_FIELD: Final = {"chat": "messages", "completions": "prompt", "embeddings": "input"}


def read_dataset(file: Path, operation: Operation) -> list[Fields]:
    """The questions in ``file``: a JSON array, or one JSON value or plain prompt a line.

    A value is a string, an object with what ``operation`` asks for (``messages``, ``prompt``, ``input``; each of them
    is turned into what is needed where that is plain), the same below ``body`` as in files of batches, or
    ``conversations``, of which the first human turn is taken.

    Raises:
        BenchError: a line is none of these, or there is none.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{file} cannot be read: {error}") from None
    values = _array(text, file) if text.lstrip().startswith("[") else _lines(text, file)
    found = [_question(value, operation, f"{file}, {where}") for where, value in values]
    if not found:
        raise BenchError(f"{file} has no question in it")
    return found


def _array(text: str, file: Path) -> list[tuple[str, Any]]:
    try:
        values = msgspec.json.decode(text, type=list[Any])
    except msgspec.DecodeError as error:
        raise BenchError(f"{file} begins as a JSON array, but is none: {error}") from None
    return [(f"entry {number}", value) for number, value in enumerate(values, 1)]


def _lines(text: str, file: Path) -> list[tuple[str, Any]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return [(f"line {number}", _value(line, f"{file}, line {number}")) for number, line in lines]


def _value(line: str, where: str) -> Any:  # noqa: ANN401  # JSON
    if line[0] not in '{"':
        return line
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise BenchError(f"{where} is no JSON: {error}") from None


def _question(value: Any, operation: Operation, where: str) -> Fields:  # noqa: ANN401  # JSON
    if isinstance(value, str):
        return asked(operation, value)
    if isinstance(value, dict):
        fields = value.get("body", value)
        if isinstance(fields, dict):
            if fields.get(_FIELD[operation]):
                return fields
            text = _text(fields)
            if text:
                return asked(operation, text)
    raise BenchError(f"{where} is no question: it needs {_FIELD[operation]!r}, or 'prompt', or 'conversations'")


def _text(fields: dict[str, Any]) -> str:
    for name in ("prompt", "input", "text"):
        if isinstance(fields.get(name), str):
            return str(fields[name])
    said = _first(fields.get("conversations"), "from", "value") or _first(fields.get("messages"), "role", "content")
    return said if isinstance(said, str) else ""


def _first(turns: Any, who: str, what: str) -> Any:  # noqa: ANN401  # JSON
    """What the first human of ``turns`` said."""
    if not isinstance(turns, Sequence):
        return None
    return next((turn.get(what) for turn in turns if isinstance(turn, dict) and turn.get(who) in HUMAN), None)
