"""A person at a terminal: types, reads, presses Ctrl-C, goes on, leaves."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.openai_server import Exchange, OpenAIServer, answering
from tests.support.terminal import Terminal, terminal

PROMPT = "›"  # noqa: RUF001  # the prompt
PROGRAM = [sys.executable, "-c", "from forebay.cli import main; main()", "chat"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")


@contextlib.contextmanager
def chatting(server: OpenAIServer, home: Path, *arguments: str) -> Iterator[Terminal]:
    environ = {"PROMPT_TOOLKIT_NO_CPR": "1", "FOREBAY_HOME": str(home), "TERM": "xterm-256color"}
    with terminal([*PROGRAM, "--url", server.url, *arguments], environ) as running:
        yield running


def by_question(exchange: Exchange, body: Any) -> None:
    if body["messages"][-1]["content"] == "go on":
        exchange.begin()
        exchange.say("It goes on: ")
        exchange.until_left()
    else:
        answering("It is **b", "old**.", tokens=4)(exchange, body)


def test_a_chat(server: OpenAIServer, tmp_path: Path) -> None:
    server.answer = by_question
    with chatting(server, tmp_path) as chat:
        chat.until("tiny at http://127.0.0.1")
        chat.until_last(PROMPT)
        chat.type("What is it?\r")
        chat.until("It is bold.")
        chat.until("4 tokens")
        chat.until_last(PROMPT)

        chat.type("go on\r")
        chat.until("It goes on: tick tick")
        chat.type("\x03")
        chat.until("stopped · ")
        chat.until_last(PROMPT)
        assert server.left.wait(10)
        assert "^C" not in chat.text

        chat.type("/models\r")
        chat.until("* tiny")
        chat.until_last(PROMPT)
        chat.type("/nonsense\r")
        chat.until("There is no command /nonsense")
        chat.until_last(PROMPT)
        chat.type("\x03")
        chat.until("Ctrl-D or /exit leaves.")
        chat.until_last(PROMPT)
        chat.type("And now?\r")
        chat.until("It is bold.", 2)
        chat.until_last(PROMPT)
        chat.type("\x04")
        assert chat.ended() == 0

    contents = [message["content"] for message in server.chats[-1]["messages"]]
    assert contents[:3] == ["What is it?", "It is **bold**.", "go on"]
    assert contents[3].startswith("It goes on: tick tick")
    assert contents[4:] == ["And now?"]


def test_input_is_remembered_over_chats(server: OpenAIServer, tmp_path: Path) -> None:
    for keys in ("remember me\r", "\x1b[A\r"):
        with chatting(server, tmp_path) as chat:
            chat.until_last(PROMPT)
            chat.type(keys)
            chat.until("Hello!")
            chat.until_last(PROMPT)
            chat.type("\x04")
            assert chat.ended() == 0
    assert [body["messages"][-1]["content"] for body in server.chats] == ["remember me"] * 2


def test_failures_do_not_end_a_chat(server: OpenAIServer, tmp_path: Path) -> None:
    server.answer = lambda exchange, _: exchange.whole(503, {"error": {"message": "Not now."}})
    with chatting(server, tmp_path) as chat:
        chat.until_last(PROMPT)
        chat.type("a\r")
        chat.until("Not now. (status 503)")
        chat.until_last(PROMPT)
        server.answer = answering("Now.")
        chat.type("b\x1b\rc\r")
        chat.until("Now.")
        chat.until_last(PROMPT)
        chat.type("/exit\r")
        assert chat.ended() == 0
    assert server.chats[-1]["messages"] == [{"role": "user", "content": "b\nc"}]


def test_one_question_in_a_terminal(server: OpenAIServer, tmp_path: Path) -> None:
    server.answer = by_question
    with chatting(server, tmp_path, "What", "is it?") as chat:
        chat.until("It is bold.")
        chat.until("4 tokens")
        assert chat.ended() == 0
    with chatting(server, tmp_path, "go on") as chat:
        chat.until("It goes on: ")
        chat.type("\x03")
        chat.until("stopped · ")
        assert chat.ended() == 130


def test_a_terminal_that_can_do_nothing(server: OpenAIServer, tmp_path: Path) -> None:
    server.answer = answering("**plain** \x1b[31mtext")
    with terminal([*PROGRAM, "--url", server.url, "hi"], {"TERM": "dumb", "FOREBAY_HOME": str(tmp_path)}) as chat:
        chat.until("**plain** [31mtext\n")
        assert chat.ended() == 0
