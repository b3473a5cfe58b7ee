"""``forebay detect``: whether texts carry a watermark."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from forebay.cli.config import DEFAULT_FILE
from forebay.core.errors import ForebayError, InvalidRequestError
from forebay.core.marks import SchemeName
from forebay.engine import catalog
from forebay.engine.options import EngineSettings
from forebay.engine.reading import Reading
from forebay.generation import check
from forebay.plugins import PROVIDERS
from forebay.settings import KeyRingSettings, Secret, Settings, SettingsError, WatermarkSettings, load_file
from forebay.watermark.detector import SIGNIFICANCE, Report
from forebay.watermark.marks import Examiner, Question, ring_of
from forebay.watermark.telling import told
from forebay.watermark.text import MOST_BYTES, readable

FOUND, NOT_FOUND, FAILED = 0, 1, 2
_SAID: Final = {
    "marked": "carries the mark",
    "not_found": "no mark found",
    "too_short": "too short to tell",
}


class Model(msgspec.Struct, frozen=True):
    """A model of the engine by the name of its provider: how it is found, and how its answers are marked."""

    provider: str
    model: str
    watermark: WatermarkSettings | None = None


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--config", type=click.Path(path_type=Path), help="Where the keys are (forebay.yaml, if it is there).")
@click.option("--model", help="In whose tokens to look: a name in the configuration, else of a model of the engine.")
@click.option("--key", "keys", multiple=True, help="The id of a key; all that suit, if none is named.")
@click.option("--secret", metavar="VARIABLE", help="Instead of a configuration: the variable that holds the key.")
@click.option("--scheme", "schemes", multiple=True, help="How the text may be marked; else as the configuration says.")
@click.option("--significance", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=SIGNIFICANCE)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each text.")
def detect(  # noqa: PLR0913, PLR0917  # one for each option
    files: Sequence[Path],
    config: Path | None,
    model: str | None,
    keys: Sequence[str],
    secret: str | None,
    schemes: Sequence[str],
    significance: float,
    *,
    as_json: bool,
) -> None:
    """Tell whether FILES, or what comes in by a pipe, carry a watermark.

    The exit status is 0 if all of them do, 1 if one does not (or is too short), 2 if one cannot be examined. The answer
    is a probability, and no proof of who wrote a text.
    """
    try:
        ring, chosen = _chosen(config, model, secret)
        question = Question(tuple(keys) or None, _schemes(schemes), significance)
    except (SettingsError, InvalidRequestError, click.UsageError) as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(FAILED) from None
    examiner = Examiner(ring_of(ring), {chosen.provider: chosen.watermark} if chosen.watermark else {})
    reading = Reading(chosen.model)
    status = FOUND
    for file in files or (Path("-"),):
        try:
            tokens = reading.read(readable(_text(file)))
            report = examiner.examine(tokens, chosen.provider, question)
        except (ForebayError, OSError) as error:
            click.echo(f"{file}: {getattr(error, 'message', error)}", err=True)
            status = FAILED
            continue
        click.echo(_line(file, report, as_json=as_json))
        status = max(status, FOUND if report.verdict == "marked" else NOT_FOUND)
    raise click.exceptions.Exit(status)


def _chosen(config: Path | None, model: str | None, secret: str | None) -> tuple[KeyRingSettings, Model]:
    if secret is not None:
        if not os.environ.get(secret):
            raise click.UsageError(f"The environment has no {secret}: put the key there.")
        return KeyRingSettings({secret: Secret(os.environ[secret])}), Model("engine", model or catalog.DEFAULT)
    settings = load_file(config or Path(DEFAULT_FILE), os.environ)
    check(settings)
    return settings.watermark, _model(settings, model)


def _model(settings: Settings, name: str | None) -> Model:
    """The model of the engine that is offered as ``name``; the first that is marked, if there is no name."""
    known = {
        name: Model(name, options.model, options.watermark)
        for name, section in settings.providers.items()
        if isinstance(options := section.read(PROVIDERS.plugin(section.kind).settings), EngineSettings)
    }
    if name is None:
        first = next((each for each in known.values() if each.watermark), None) or next(iter(known.values()), None)
        return first or Model("engine", catalog.DEFAULT)
    offered = settings.models.get(name)
    for deployment in offered.deployments if offered else ():
        if deployment.provider in known:
            return known[deployment.provider]
    raise InvalidRequestError(f"The configuration has no model '{name}' of the embedded engine.", param="model")


def _schemes(names: Sequence[str]) -> tuple[SchemeName, ...] | None:
    try:
        return msgspec.convert(tuple(names), tuple[SchemeName, ...]) or None
    except msgspec.ValidationError:
        raise click.UsageError(f"--scheme is one of {', '.join(SchemeName.__args__)}.") from None  # type: ignore[attr-defined]


def _text(file: Path) -> str:
    data = sys.stdin.buffer.read(MOST_BYTES + 1) if file == Path("-") else _beginning(file)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if len(data) > MOST_BYTES:
            return data.decode("utf-8", "replace")  # It is refused for its length.
        raise InvalidRequestError("is no text in UTF-8") from None


def _beginning(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _line(file: Path, report: Report, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"file": str(file), **told(report)})
    best = report.best
    part = ""
    if report.verdict == "marked" and best.windows and best.window_p < best.p:
        part = f", in tokens {best.windows[0].begin + 1} to {best.windows[0].end}"
    return (
        f"{file}: {_SAID[report.verdict]}{part} (p {report.p:.2g}, z {best.z:.1f}, {best.green_fraction:.0%} green of "
        f"{best.scored_tokens} tokens, key {best.key or '-'}, {best.scheme})"
    )
