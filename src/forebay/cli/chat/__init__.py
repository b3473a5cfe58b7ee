"""``forebay chat``: talks with any OpenAI-compatible server, in a terminal or in a pipe.

Session ─ request ─► Client ─► Answer (read by a thread) ─ pieces ─┬─► Display
   ▲                                                               └─► Turn ─┐
   └───────────────────────────── what was said ◄────────────────────────────┘
"""

import io
import sys

import click

from forebay.cli.chat.client import Client
from forebay.cli.chat.display import display
from forebay.cli.chat.exchange import exchange
from forebay.cli.chat.failures import ChatError
from forebay.cli.chat.session import Session
from forebay.cli.chat.text import encodable

DEFAULT_URL = "http://127.0.0.1:8080/v1"
INTERRUPTED = 130


@click.command()
@click.option("--url", envvar="FOREBAY_URL", default=DEFAULT_URL, show_default=True, help="Base URL of the server.")
@click.option("--model", help="Model to talk to.  [default: the server's first]")
@click.option("--key", envvar="FOREBAY_API_KEY", help="API key; better kept in the environment as FOREBAY_API_KEY.")
@click.option("--system", help="System prompt.")
@click.argument("message", nargs=-1)
def chat(url: str, model: str | None, key: str | None, system: str | None, message: tuple[str, ...]) -> None:
    """Chat with a served model in the terminal.

    With a MESSAGE, or in a pipe, it writes one answer and ends.

    \b
    forebay chat
    forebay chat "Why is the sky blue?"
    git diff | forebay chat "Write a commit message for this:"
    """  # noqa: D301  # the backspace is click's
    text = encodable(" ".join(message))
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        client = Client(url, key)
        if not text and sys.stdin.isatty() and sys.stdout.isatty():
            from forebay.cli.chat.loop import converse  # noqa: PLC0415  # its libraries are for terminals only

            converse(client, _session(client, model, system))
        else:
            text = _with_input(text)
            _answer_once(client, _session(client, model, system), text)
    except ChatError as error:
        raise click.ClickException(str(error)) from None


def _session(client: Client, model: str | None, system: str | None) -> Session:
    return Session(encodable(model or client.default_model()), system and encodable(system))


def _with_input(text: str) -> str:
    """``text``, followed by what comes through the pipe if there is one."""
    piped = "" if sys.stdin.isatty() else sys.stdin.read().strip("\n")
    whole = "\n\n".join(filter(None, (text, piped)))
    if not whole.strip():
        raise click.UsageError("There is no message: give one as an argument or on standard input.")
    return whole


def _answer_once(client: Client, session: Session, text: str) -> None:
    turn = exchange(client, session, text, display())
    if turn.stopped:
        raise click.exceptions.Exit(INTERRUPTED)
