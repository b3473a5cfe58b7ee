"""Where the requests of a replay come from: a server's captures, or the lines of a file."""

from pathlib import Path
from typing import Any, Final

import msgspec

from forebay.cli.replay.exchange import PATHS, Exchange, of_capture
from forebay.cli.replay.failures import ReplayError
from forebay.cli.replay.target import Target

PAGE: Final = 50


async def captured(server: Target, limit: int) -> list[Exchange]:
    """The latest captures of ``server``, oldest first.

    Raises:
        ReplayError: there are none, or they cannot be had.
    """
    found: list[Exchange] = []
    path = f"/captures?limit={min(PAGE, limit)}"
    before = ""
    while len(found) < limit:
        page = await server.read(path + before)
        found += [_exchange(each, server.url) for each in page["data"]]
        if not page["has_more"]:
            break
        before = f"&before={page['last']}"
    if not found:
        raise ReplayError(f"{server.url} has no captures: turn them on by 'capture: {{requests: true}}'.")
    return found[:limit][::-1]


def of_file(file: Path, limit: int) -> list[Exchange]:
    """The requests in ``file``.

    Raises:
        ReplayError: a line is none, or there are none.
    """
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayError(f"{file} cannot be read: {error}") from None
    if not lines:
        raise ReplayError(f"{file} has no request in it.")
    return [_line(line, f"{file}, line {number}") for number, line in enumerate(lines[:limit], 1)]


def _line(line: str, where: str) -> Exchange:
    try:
        value = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ReplayError(f"{where} is no JSON object: {error}") from None
    if value.get("object") == "capture":
        return _exchange(value, where)
    body, path = value.get("body", value), str(value.get("url", ""))
    if not isinstance(body, dict):
        raise ReplayError(f"{where}: 'body' is no object.")
    operation = path.removeprefix("/v1/") if path else _operation(body)
    if operation not in PATHS:
        raise ReplayError(f"{where} is no request: it needs 'messages', 'prompt' or 'input', or a 'url' that has one.")
    return Exchange(str(value.get("custom_id") or where), operation, body)


def _operation(body: dict[str, Any]) -> str:
    fields = {"messages": "chat/completions", "prompt": "completions", "input": "embeddings"}
    return next((operation for field, operation in fields.items() if field in body), "")


def _exchange(capture: Any, where: str) -> Exchange:  # noqa: ANN401  # JSON
    try:
        return of_capture(capture)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ReplayError(f"{where} has a capture that cannot be read.") from None
