"""``forebay replay``: asks requests once more, of another configuration or model, and tells what has changed.

source   captures of a server, or lines of a file ─► Exchange: a request, and what became of it
target   another server, or one for a configuration ─► what becomes of it now
compare  both ─► differences ─► report, exit status
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from forebay.cli.replay.failures import ReplayError
from forebay.cli.started import StartError

OPTIONS = (
    click.argument("source"),
    click.option("--url", help="Server to ask.  [default: that of SOURCE, or http://127.0.0.1:8080]"),
    click.option("--config", type=click.Path(exists=True, path_type=Path), help="Start a server by this file, ask it."),
    click.option("--model", help="Model to ask.  [default: that of each request]"),
    click.option("--key", envvar="FOREBAY_API_KEY", help="Key of the server to ask."),
    click.option("--source-key", envvar="FOREBAY_API_KEY", help="Key of the server that SOURCE is."),
    click.option("--baseline", help="Server that is asked first, for requests whose reply is not known."),
    click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Requests at most."),
    click.option("--concurrency", type=click.IntRange(1, 256), default=4, show_default=True, help="Requests at once."),
    click.option("--embedding-model", default="all-minilm", show_default=True, help="Judges similarity, if there."),
    click.option("--fail-if", "limits", multiple=True, metavar="RULE", help="Such as similarity<0.8; see below."),
    click.option("--json", "into", type=click.Path(path_type=Path, allow_dash=True), help="Write all of it there."),
    click.option("--save", type=click.Path(path_type=Path), help="Write the requests and their replies, as lines."),
)


@click.command()
def replay(**options: Any) -> None:  # noqa: ANN401  # click's
    """Ask captured requests again, and tell what has changed.

    Of another configuration, another model, or another server. SOURCE is a Forebay server with captures (its URL), or
    a file of lines: what --save wrote, OpenAI's batch format, or plain bodies.

    \b
    --fail-if compares one of these with a number, by < or >, and ends with status 1 where it holds:
      similarity   mean likeness of the answers, 0 to 1
      latency      median latency, as a ratio to what it was
      cost         cost of those whose cost is known on both sides, as a ratio
      errors       requests that fail now and did not
      verdicts     requests of which guards say something else
    """  # noqa: D301  # the backspace is click's
    from forebay.cli.replay.run import run  # noqa: PLC0415  # it needs the transport

    try:
        sys.exit(asyncio.run(run(**options)))
    except (ReplayError, StartError) as error:
        raise click.ClickException(str(error)) from None


for _option in reversed(OPTIONS):
    replay = _option(replay)
