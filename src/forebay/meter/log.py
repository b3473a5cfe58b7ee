"""The request log: one line for every ended call, for people or for machines."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from forebay.core.money import dollars
from forebay.core.types import Record


class TextLog:
    """Lines to read: the four metrics first of all."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, records: Sequence[Record]) -> None:
        """Write a line for each record."""
        if records:
            self._out.write("".join(map(text_line, records)))
            self._out.flush()


class JsonLog:
    """One JSON object a line, with every field of the record; times in seconds."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, records: Sequence[Record]) -> None:
        """Write a line for each record."""
        if records:
            self._out.write(msgspec.json.Encoder().encode_lines(records).decode())
            self._out.flush()


def text_line(record: Record) -> str:
    """``record`` as one line, without a secret and without a text of the user."""
    at = datetime.fromtimestamp(record.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return (
        f"{at}Z {record.status} {record.operation} model={_quoted(record.model)} "
        f"deployment={_quoted(record.deployment)} outcome={record.outcome}{_attempts(record)}{_cache(record)}"
        f"{_prompt(record)} principal={_quoted(record.principal)} "
        f"ttft={_ms(record.ttft)} tpot={_ms(record.tpot)} latency={_ms(record.latency)} "
        f"tokens={record.prompt_tokens}+{record.completion_tokens} throughput={_rate(record)} "
        f"cost={_cost(record)} "
        f"overhead={_ms(record.overhead)} id={record.id}\n"
    )


def _attempts(record: Record) -> str:
    return f" attempts={len(record.attempts)}" if len(record.attempts) > 1 else ""


def _cache(record: Record) -> str:
    return f" cache={record.cache}" if record.cache else ""


def _prompt(record: Record) -> str:
    return f" prompt={record.prompt}" if record.prompt else ""


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}ms"


def _cost(record: Record) -> str:
    return "-" if record.cost is None else f"${dollars(record.cost)}"


def _rate(record: Record) -> str:
    return f"{record.completion_tokens / record.latency:.1f}tok/s" if record.latency > 0 else "-"


def _quoted(name: str) -> str:
    """A name that came from outside must not be able to forge a line or a field."""
    return name if name and name.isprintable() and " " not in name else repr(name)
