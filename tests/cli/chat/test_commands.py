"""What can be typed that is no message."""

import json
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from forebay.cli.chat.answer import Piece
from forebay.cli.chat.client import Client
from forebay.cli.chat.commands import Commands
from forebay.cli.chat.failures import ChatError
from forebay.cli.chat.loop import Completions, input_history
from forebay.cli.chat.session import Session, Turn
from forebay.cli.store import state_folder
from tests.support.openai_server import OpenAIServer


@pytest.fixture
def session() -> Session:
    made = Session("tiny")
    turn = Turn("a?")
    turn.take([Piece(1.0, "A.")])
    made.add(turn)
    return made


@pytest.fixture
def commands(server: OpenAIServer, session: Session) -> Commands:
    return Commands(Client(server.url), session)


def test_help_names_every_command(commands: Commands) -> None:
    text = commands.run("/help")
    assert all(name in text for name in commands.names)
    assert "Ctrl-C" in text


def test_model_and_models(commands: Commands, session: Session) -> None:
    assert commands.run("/models") == "* tiny\n  other"
    assert commands.run("/model  other ") == "Talking to other."
    assert session.model == "other"
    assert commands.run("/model") == "Talking to other."
    assert commands.run("/models") == "  tiny\n* other"


def test_system_and_reset(commands: Commands, session: Session) -> None:
    commands.run("/system Be brief.\nAnd kind.")
    assert session.messages()[0].content == "Be brief.\nAnd kind."
    commands.run("/system")
    assert [message.role for message in session.messages()] == ["user", "assistant"]
    commands.run("/reset")
    assert session.messages() == []


def test_save(commands: Commands, tmp_path: Path) -> None:
    commands.run(f"/save {tmp_path}/a b.md")
    assert (tmp_path / "a b.md").read_text().startswith("# Chat with tiny\n")
    commands.run(f"/save {tmp_path}/c.json")
    assert json.loads((tmp_path / "c.json").read_text())["model"] == "tiny"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/save", "Name a file: /save FILE"),
        ("/save {folder}/there", "{folder}/there cannot be written: File exists"),
        ("/save {folder}/no/x", "{folder}/no/x cannot be written: No such file or directory"),
        ("/hlep", "There is no command /hlep; did you mean /help? A message may begin with a space."),
        ("/etc/passwd", "There is no command /etc/passwd; /help lists the commands. A message may begin with a space."),
    ],
)
def test_what_is_not_possible(commands: Commands, tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(ChatError) as caught:
        commands.run(line.format(folder=tmp_path))
    assert str(caught.value) == message.format(folder=tmp_path)


def test_exit_is_the_end(commands: Commands) -> None:
    with pytest.raises(EOFError):
        commands.run("/exit")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("/mo", ["/model", "/models"]),
        ("/model ", ["tiny", "vendor/big"]),
        ("/model v", ["vendor/big"]),
        ("/system t", []),
        ("mo", []),
        ("", []),
    ],
)
def test_completions(typed: str, words: list[str]) -> None:
    completer = Completions(["/model", "/models", "/reset"], lambda: ["tiny", "vendor/big"])
    found = completer.get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == words


def test_input_history_is_kept_where_it_belongs_and_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FOREBAY_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    input_history().append_string("a line")
    file = state_folder() / "chat_history"
    assert file.is_relative_to(tmp_path)
    assert "a line" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert list(input_history().load_history_strings()) == ["a line"]


def test_no_place_for_history_is_no_trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FOREBAY_HOME", str(tmp_path / "file"))
    input_history().append_string("a line")
