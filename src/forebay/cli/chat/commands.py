"""What can be typed in a chat that is no message: ``/help`` and the others."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from forebay.cli.chat.client import Client
from forebay.cli.chat.failures import ChatError
from forebay.cli.chat.session import Session
from forebay.cli.chat.text import clean


class Commands:
    """The commands of a chat; each gives the text to show."""

    def __init__(self, client: Client, session: Session) -> None:
        self._client = client
        self._session = session
        self._commands: Mapping[str, tuple[Callable[[str], str], str, str]] = {
            "/help": (self._help, "", "list the commands"),
            "/model": (self._model, "NAME", "talk to another model"),
            "/models": (self._models, "", "list the server's models"),
            "/system": (self._system, "TEXT", "set the system prompt; without TEXT: none"),
            "/reset": (self._reset, "", "forget the conversation"),
            "/save": (self._save, "FILE", "write the conversation to a new file, as Markdown or .json"),
            "/exit": (self._exit, "", "leave, as Ctrl-D does"),
        }

    @property
    def names(self) -> list[str]:
        """All commands."""
        return list(self._commands)

    def run(self, line: str) -> str:
        """Carry out ``line``.

        Raises:
            ChatError: that is not possible.
            EOFError: it was ``/exit``.
        """
        name, _, argument = line.strip().partition(" ")
        if name not in self._commands:
            near = difflib.get_close_matches(name, self._commands, n=1)
            other = f"did you mean {near[0]}?" if near else "/help lists the commands."
            raise ChatError(f"There is no command {clean(name)}; {other} A message may begin with a space.")
        return self._commands[name][0](argument.strip())

    def _help(self, _: str) -> str:
        rows = [(f"{name} {argument}", text) for name, (_run, argument, text) in self._commands.items()]
        rows += [("Ctrl-C", "stop the answer"), ("Alt-Enter", "begin a new line")]
        return "\n".join(f"{left:<14}{text}" for left, text in rows)

    def _model(self, name: str) -> str:
        self._session.model = name or self._session.model
        return f"Talking to {clean(self._session.model)}."

    def _models(self, _: str) -> str:
        names = self._client.models()
        return "\n".join(f"{'*' if name == self._session.model else ' '} {clean(name)}" for name in names)

    def _system(self, text: str) -> str:
        self._session.system = text or None
        return "The system prompt is set." if text else "There is no system prompt now."

    def _reset(self, _: str) -> str:
        self._session.reset()
        return "The conversation begins anew."

    def _save(self, name: str) -> str:
        if not name:
            raise ChatError("Name a file: /save FILE")
        path = Path(name).expanduser()
        text = self._session.as_json() if path.suffix == ".json" else self._session.as_markdown()
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise ChatError(f"{name} cannot be written: {error.strerror or error}") from None
        return f"Written to {path}."

    def _exit(self, _: str) -> str:
        raise EOFError
