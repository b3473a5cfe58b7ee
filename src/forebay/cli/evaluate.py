"""``forebay eval``: asks a dataset's questions, checks the answers, and compares with the last time."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from forebay.cli.chat import DEFAULT_URL
from forebay.cli.started import StartError, started
from forebay.core.quantiles import quantile
from forebay.evaluation.asking import Server
from forebay.evaluation.cases import BY_KIND, Case, DatasetError, read
from forebay.evaluation.checks import Checker
from forebay.evaluation.comparing import Change, Comparison, compare
from forebay.evaluation.results import Result, Results, junit
from forebay.evaluation.running import Evaluation
from forebay.providers.transport import UnsendableError

SHOWN: Final = 20
KINDS: Final = click.Choice([*BY_KIND])


class Options(msgspec.Struct, frozen=True):
    """What of the command line says how cases are asked and judged."""

    model: str
    embedding_model: str
    judge_model: str | None
    timeout: float
    concurrency: int
    fields: Mapping[str, Any]


@click.command(name="eval")
@click.argument("dataset", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--target", envvar="FOREBAY_URL", default=DEFAULT_URL, show_default=True, help="URL or configuration.")
@click.option("--key", envvar="FOREBAY_API_KEY", help="API key; better kept in FOREBAY_API_KEY.")
@click.option("--model", required=True, help="Which to ask.")
@click.option("--check", "kinds", multiple=True, type=KINDS, help="For cases without checks of their own.")
@click.option("--embedding-model", default="all-minilm-l6-v2", show_default=True, help="For 'similarity'.")
@click.option("--judge-model", help="For 'judge'.  [default: that of --model]")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; 'temperature=0' unless given.")
@click.option("--concurrency", type=click.IntRange(1, 256), default=4, show_default=True, help="Cases at a time.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=300.0, show_default=True, help="Seconds for an answer."
)
@click.option("--baseline", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Earlier results.")
@click.option(
    "--allow-drop", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Of the share that passes."
)
@click.option(
    "--min-pass", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="The least share that passes."
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the results: a baseline."
)
@click.option(
    "--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Where to write JUnit's XML."
)
def evaluate(dataset: Path, target: str, key: str | None, kinds: Sequence[str], **given: Any) -> None:  # noqa: ANN401
    """Ask a dataset's questions, and check the answers.

    DATASET has a JSON object in each line. A --target that is a file is a configuration: a server is started by it, and
    stopped when all is asked. The status is 1 if fewer than --min-pass pass, or if less passes than did in
    the --baseline: clearly, or by more than --allow-drop.
    """
    options = Options(
        given["model"],
        given["embedding_model"],
        given["judge_model"],
        given["timeout"],
        given["concurrency"],
        {"temperature": 0, **dict(_parameter(each) for each in given["given"]), "model": given["model"]},
    )
    before = _baseline(given["baseline"])
    try:
        cases = read(dataset, [check for kind, check in BY_KIND.items() if kind in kinds])
        found = asyncio.run(_asked(cases, _place(target), key, options))
    except (DatasetError, UnsendableError, StartError) as error:
        raise click.ClickException(str(error)) from None
    results = Results(dataset.name, target, options.model, found)
    _write(results, given["output"], given["junit_file"])
    comparison = None if before is None else compare(before, results)
    for line in _told(results, comparison):
        click.echo(line)
    if all(each.error for each in results.results):
        raise click.ClickException(f"{target} answered none of the cases")
    if before is not None and comparison is None:
        raise click.ClickException("the baseline has none of these cases")
    if results.rate.value < given["min_pass"] or (comparison and comparison.is_regression(given["allow_drop"])):
        raise click.exceptions.Exit(1)


async def _asked(cases: Sequence[Case], target: str | Path, key: str | None, options: Options) -> Sequence[Result]:
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(started(target)) if isinstance(target, Path) else target
        server = Server(url, key, options.timeout)
        stack.push_async_callback(server.close)
        checker = Checker(server, options.embedding_model, options.judge_model or options.model)
        with click.progressbar(length=len(cases), label="cases", file=sys.stderr) as bar:
            evaluation = Evaluation(server, checker, options.fields, options.concurrency)
            return await evaluation.run(cases, lambda _: bar.update(1))


def _place(target: str) -> str | Path:
    """A configuration, if there is such a file; else it is a URL."""
    path = Path(target)
    return path if path.is_file() else target


def _told(results: Results, comparison: Comparison | None) -> Iterator[str]:
    failed = [each for each in results.results if not each.passed]
    for each in failed[:SHOWN]:
        yield f"failed   {each.id}: {each.why}"
    if len(failed) > SHOWN:
        yield f"failed   … and {len(failed) - SHOWN} more"
    rate = results.rate
    count = len(results.results)
    yield f"passed   {count - len(failed)} of {count}: {rate.value:.1%} (95 %: {rate.low:.1%} to {rate.high:.1%})"
    seconds = sorted(each.seconds for each in results.results)
    yield f"latency  p50 {quantile(seconds, 0.5):.2f} s, longest {seconds[-1]:.2f} s; {_tokens(results)} tokens"
    if comparison is not None:
        yield from _changed(comparison)


def _changed(comparison: Comparison) -> Iterator[str]:
    for name, changes in (("broke", comparison.broke), ("mended", comparison.mended)):
        yield from (f"{name:<8} {_change(each)}" for each in changes[:SHOWN])
    moved = comparison.difference
    yield (
        f"change   {moved.value:+.1%} of {comparison.common} cases (95 %: {moved.low:+.1%} to {moved.high:+.1%}); "
        f"{len(comparison.broke)} broke, {len(comparison.mended)} mended, p = {comparison.chance:.3f}"
    )
    if comparison.missing:
        yield f"missing  {len(comparison.missing)} cases of the baseline were not asked"


def _change(change: Change) -> str:
    return f"{change.id}: {change.after.why or _short(change.after.answer)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"  # noqa: PLR2004  # a terminal's width


def _tokens(results: Results) -> int:
    return sum(each.tokens for each in results.results)


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"'{text}' is not NAME=VALUE")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def _baseline(path: Path | None) -> Results | None:
    if path is None:
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise click.ClickException(f"{path}: holds no results: {error}") from None


def _write(results: Results, output: Path | None, junit_file: Path | None) -> None:
    try:
        if output is not None:
            output.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
        if junit_file is not None:
            junit_file.write_bytes(junit(results))
    except OSError as error:
        raise click.ClickException(f"the results cannot be written: {error}") from None
