"""The chat in a terminal: prompt, answer, prompt, until Ctrl-D."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle
from rich.console import Console
from rich.text import Text

from forebay.cli.chat.client import Client
from forebay.cli.chat.commands import Commands
from forebay.cli.chat.display import display
from forebay.cli.chat.exchange import exchange
from forebay.cli.chat.failures import ChatError
from forebay.cli.chat.session import Session
from forebay.cli.chat.text import clean
from forebay.cli.store import state_folder

PROMPT: Final = FormattedText([("bold ansicyan", "› ")])  # noqa: RUF001  # not meant as >
HISTORY: Final = "chat_history"


class Loop:
    """Reads lines with ``read`` and answers them."""

    def __init__(self, client: Client, session: Session, commands: Commands, read: Callable[[], str]) -> None:
        self._client = client
        self._session = session
        self._commands = commands
        self._read = read
        self._display = display()
        self._console = Console(highlight=False)

    def run(self) -> None:
        """Go on until the end of the input."""
        self._say(f"{clean(self._session.model)} at {self._client.url}. /help lists commands, Ctrl-D leaves.", "dim")
        while True:
            try:
                self._answer(self._read())
            except ChatError as error:
                self._say(str(error), "red")
            except KeyboardInterrupt:
                self._say("Ctrl-D or /exit leaves.", "dim")
            except EOFError:
                return

    def _answer(self, line: str) -> None:
        if line.startswith("/"):
            self._say(self._commands.run(line), "dim")
        elif line.strip():
            self._console.print()
            exchange(self._client, self._session, line.strip(), self._display)
            self._console.print()

    def _say(self, text: str, style: str) -> None:
        self._console.print(Text(text, style=style))


class Completions(Completer):
    """Completes commands and, after ``/model``, the ``models``."""

    def __init__(self, commands: Sequence[str], models: Callable[[], Iterable[str]]) -> None:
        self._commands = commands
        self._models = models

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        """What the text before the cursor may become."""
        text = document.text_before_cursor
        name, space, argument = text.partition(" ")
        if not text.startswith("/") or (space and name != "/model"):
            return
        typed = argument if space else name
        for word in self._models() if space else self._commands:
            if word.startswith(typed):
                yield Completion(word, start_position=-len(typed))


def converse(client: Client, session: Session) -> None:
    """Chat until the person at the terminal leaves."""
    commands = Commands(client, session)
    prompt: PromptSession[str] = PromptSession(
        PROMPT,
        prompt_continuation="  ",
        history=input_history(),
        completer=Completions(commands.names, lambda: _known(client)),
        complete_in_thread=True,
        complete_while_typing=False,
        complete_style=CompleteStyle.READLINE_LIKE,
        reserve_space_for_menu=0,
        key_bindings=_keys(),
    )
    Loop(client, session, commands, prompt.prompt).run()


def input_history() -> History:
    """What was typed in earlier chats, if there is a place to keep it; nobody else can read it."""
    path = state_folder() / HISTORY
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def _known(client: Client) -> list[str]:
    try:
        return [clean(name) for name in client.models()]
    except ChatError:
        return []


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
