"""``forebay reviews``: the queue of answers that somebody should look at, for people at a terminal."""

import asyncio
import getpass
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

import click
import msgspec

from forebay.cli.keys import config_option
from forebay.cli.opened import opened
from forebay.core.reviews import REASONS, Reason, Review, ReviewQuery, Texts, Verdict
from forebay.reviewing import Reviews
from forebay.settings import ReviewSettings

PAGE: Final = 100
SHOWN: Final = 60
STATES: Final = {"open": False, "labelled": True, "all": None}

_FILTERS: Final = (
    click.option("--tenant", help="Only of this tenant."),
    click.option("--model", help="Only by this model."),
    click.option("--reason", type=click.Choice(REASONS), help="Only for this reason."),
)


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """A labelled answer as a case of an evaluation; ``expected`` is the correction."""

    id: str
    labels: tuple[str, ...]
    reasons: tuple[Reason, ...]
    messages: Sequence[Any] = ()
    answer: str = ""
    expected: str | None = None
    comment: str = ""
    tenant: str = ""
    model: str = ""
    used_prompt: str = ""
    reviewer: str = ""
    at: float = 0.0


@click.group()
def reviews() -> None:
    """Look at flagged answers, label them, and make datasets of them."""


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@reviews.command(name="list")
@config_option
@_filtered
@click.option("--state", type=click.Choice([*STATES]), default="open", show_default=True, help="Only such.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
def list_(config: Path, state: str, limit: int, **filters: Any) -> None:  # noqa: ANN401  # click's
    """List answers to review, the latest first."""
    for review, texts in asyncio.run(_listed(config, ReviewQuery(labelled=STATES[state], **filters), limit)):
        said = " ".join(texts.answer.split()) if texts else "(no text was kept)"
        shown = "".join(each if each.isprintable() else " " for each in said)
        labels = f" [{', '.join(review.labels)}]" if review.labels else ""
        click.echo(f"{review.id}  {review.model}  {', '.join(review.reasons)}{labels}  {shown[:SHOWN]}")


@reviews.command()
@config_option
@click.argument("request_id")
@click.argument("labels", nargs=-1, required=True)
@click.option("--comment", default="", help="What is to be said about it.")
@click.option("--correction", default="", help="What should have been answered.")
@click.option("--reviewer", help="Who says so.  [default: the user of this machine]")
def label(  # noqa: PLR0913, PLR0917  # its options
    config: Path, request_id: str, labels: tuple[str, ...], comment: str, correction: str, reviewer: str | None
) -> None:
    """Label the answer to REQUEST_ID; the last word counts."""
    verdict = Verdict(reviewer or getpass.getuser(), time.time(), labels, comment, correction)
    asyncio.run(_labelled(config, request_id, verdict))


@reviews.command()
@config_option
@_filtered
@click.option("--output", type=click.File("wb"), default="-", help="Where to write.  [default: standard output]")
def export(config: Path, output: IO[bytes], **filters: Any) -> None:  # noqa: ANN401  # click's
    """Write labelled answers as a dataset for 'forebay eval': a JSON object a line, the latest first."""
    asyncio.run(_exported(config, ReviewQuery(labelled=True, **filters), output))


async def _listed(config: Path, query: ReviewQuery, limit: int) -> list[tuple[Review, Texts | None]]:
    async with opened(config) as (store, settings):
        queue = Reviews(store, settings.reviews or ReviewSettings())
        return [(each, await queue.texts(each)) for each in await queue.list(query, limit)]


async def _labelled(config: Path, request_id: str, verdict: Verdict) -> None:
    async with opened(config) as (store, _):
        if await store.reviews.find(request_id) is None:
            raise click.ClickException(f"there is no answer '{request_id}' to review")
        await store.reviews.label(request_id, verdict)


async def _exported(config: Path, query: ReviewQuery, output: IO[bytes]) -> None:
    async with opened(config) as (store, settings):
        queue = Reviews(store, settings.reviews or ReviewSettings())
        async for review in _all(queue, query):
            output.write(msgspec.json.encode(_example(review, await queue.texts(review))) + b"\n")


async def _all(queue: Reviews, query: ReviewQuery) -> AsyncIterator[Review]:
    while page := await queue.list(query, PAGE):
        for each in page:
            yield each
        query = msgspec.structs.replace(query, before=(page[-1].at, page[-1].id))


def _example(review: Review, texts: Texts | None) -> Example:
    return Example(
        review.id,
        review.labels,
        review.reasons,
        texts.messages if texts else (),
        texts.answer if texts else "",
        review.correction or None,
        review.comment,
        review.tenant,
        review.model,
        review.prompt,
        review.reviewer,
        review.at,
    )
