"""A replay from its source to its exit status."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from forebay.cli.replay.compare import Difference, difference, rule, summary
from forebay.cli.replay.exchange import OK, Exchange, Outcome
from forebay.cli.replay.failures import ReplayError
from forebay.cli.replay.report import document, table
from forebay.cli.replay.source import captured, of_file
from forebay.cli.replay.target import Target
from forebay.cli.started import started
from forebay.evaluation.similarity import cosine, overlap

DEFAULT_URL: Final = "http://127.0.0.1:8080"


async def run(source: str, limits: Sequence[str], **options: Any) -> int:  # noqa: ANN401  # click's
    """The exit status: 1 where a rule of ``limits`` holds.

    Raises:
        ReplayError: it cannot go on.
    """
    rules = [rule(text) for text in limits]
    if options["url"] and options["config"]:
        raise ReplayError("Say --url or --config, not both.")
    async with contextlib.AsyncExitStack() as stack:
        exchanges = await _exchanges(stack, source, options)
        url = options["url"] or (source if _is_url(source) else DEFAULT_URL)
        if options["config"]:
            url = await stack.enter_async_context(started(options["config"]))
        target = _opened(stack, url, options["key"])
        baseline = _opened(stack, options["baseline"] or url, options["key"])
        found, method = await _asked(exchanges, baseline, target, options)
    told = summary(found, method)
    broken = [each.text for each in rules if each.holds(told)]
    if options["into"] is not None:
        with click.open_file(str(options["into"]), "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(document(found, told, broken))) + b"\n")
    if str(options["into"]) != "-":
        table(found, told, broken)
    return int(bool(broken))


async def _exchanges(stack: contextlib.AsyncExitStack, source: str, options: dict[str, Any]) -> list[Exchange]:
    if not _is_url(source):
        return of_file(Path(source), options["limit"])
    server = _opened(stack, source, options["source_key"])
    exchanges = await captured(server, options["limit"])
    if options["save"] is not None:
        lines = [msgspec.json.encode(await server.read(f"/captures/{each.id}")) + b"\n" for each in exchanges]
        await asyncio.to_thread(options["save"].write_bytes, b"".join(lines))
    return exchanges


def _opened(stack: contextlib.AsyncExitStack, url: str, key: str | None) -> Target:
    target = Target(url, key)
    stack.push_async_callback(target.close)
    return target


async def _asked(
    exchanges: Sequence[Exchange], baseline: Target, target: Target, options: dict[str, Any]
) -> tuple[list[Difference], str]:
    """All differences, in the order of ``exchanges``, and how the answers were compared."""
    room = asyncio.Semaphore(options["concurrency"])

    async def one(exchange: Exchange) -> tuple[Exchange, Outcome, Outcome]:
        async with room:
            before = exchange.before or await baseline.ask(exchange, None)
            return exchange, before, await target.ask(exchange, options["model"])

    found = await asyncio.gather(*map(one, exchanges))
    model = options["embedding_model"]
    if await target.vectors(model, ["x"]) is None:
        return [difference(*each, _overlap(each[1], each[2])) for each in found], "token overlap"
    alike = [await _cosine(target, model, before, after) for _, before, after in found]
    return [difference(*each, near) for each, near in zip(found, alike, strict=True)], f"cosine of {model}"


def _overlap(before: Outcome, after: Outcome) -> float | None:
    return overlap(before.text, after.text) if _comparable(before, after) else None


async def _cosine(target: Target, model: str, before: Outcome, after: Outcome) -> float | None:
    if not _comparable(before, after):
        return None
    if before.text == after.text:
        return 1.0
    vectors = await target.vectors(model, [before.text or " ", after.text or " "])
    return cosine(*vectors) if vectors else overlap(before.text, after.text)


def _comparable(before: Outcome, after: Outcome) -> bool:
    return before.status == after.status == OK and bool(before.text or after.text)


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))
