"""An answer on its way: it comes piece by piece, and can be stopped at any time."""

import signal
import threading
import time
from typing import Any

import pytest

from forebay.cli.chat.answer import Answer
from forebay.cli.chat.client import Client
from forebay.cli.chat.exchange import exchange
from forebay.cli.chat.failures import ChatError
from forebay.cli.chat.session import Session
from tests.support.openai_server import Exchange, OpenAIServer, answering


class Shown:
    """A display that keeps what it is shown, and does something at the first piece."""

    def __init__(self, at_first: Any = lambda: None) -> None:
        self.text = ""
        self.told: list[str] = []
        self.entered = self.left = 0
        self._at_first = at_first

    def __enter__(self) -> None:
        self.entered += 1

    def __exit__(self, *_: object) -> None:
        self.left += 1

    def show(self, text: str) -> None:
        self.text += text
        if text and self._at_first:
            at_first, self._at_first = self._at_first, None
            at_first()

    def tell(self, line: str) -> None:
        self.told.append(line)


def ask(server: OpenAIServer) -> Answer:
    return Client(server.url).answer(Session("tiny").request("hi"))


def endless(exchange: Exchange, _: Any) -> None:
    exchange.begin()
    exchange.until_left()


def silent(exchange: Exchange, _: Any) -> None:
    exchange.begin()
    exchange.server.left.wait(10)


def test_pieces_come_as_they_arrive_with_ticks_between(server: OpenAIServer) -> None:
    server.answer = answering("a", "b", tokens=7, pause=0.2)
    batches = list(ask(server).batches(0.02))
    pieces = [piece for batch in batches for piece in batch]
    assert [(piece.text, piece.tokens) for piece in pieces] == [("a", None), ("b", None), ("", 7)]
    assert sum(not batch for batch in batches) > 5


@pytest.mark.parametrize("answer", [endless, silent])
def test_stopping_closes_the_connection_and_is_no_failure(server: OpenAIServer, answer: Any) -> None:
    server.answer = answer
    running = ask(server)
    batches = running.batches(0.02)
    while not server.chats:
        next(batches)
    began = time.monotonic()
    running.stop()
    list(batches)
    assert time.monotonic() - began < 1
    if answer is endless:
        assert server.left.wait(10)
    server.left.set()


def test_stopping_before_anything_is_open(server: OpenAIServer) -> None:
    running = ask(server)
    running.stop()
    list(running.batches(5))


def test_no_thread_stays(server: OpenAIServer) -> None:
    list(ask(server).batches(1))
    until = time.monotonic() + 5
    while any(thread.name == "forebay-answer" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_turn_is_shown_and_remembered(server: OpenAIServer) -> None:
    session, shown = Session("tiny"), Shown()
    turn = exchange(Client(server.url), session, "hi", shown)
    assert (shown.text, shown.entered, shown.left) == ("Hello!", 1, 1)
    assert shown.told == [turn.summary()]
    assert [message.content for message in session.messages()] == ["hi", "Hello!"]


def test_ctrl_c_stops_the_answer_but_not_the_program(server: OpenAIServer) -> None:
    server.answer = endless
    before = signal.getsignal(signal.SIGINT)
    session, shown = Session("tiny"), Shown(lambda: signal.raise_signal(signal.SIGINT))
    turn = exchange(Client(server.url), session, "hi", shown)
    assert turn.stopped
    assert shown.told[0].startswith("stopped · ")
    assert server.left.wait(10)
    assert session.messages()[1].content == shown.text == turn.answer
    assert signal.getsignal(signal.SIGINT) is before


def test_an_answer_that_breaks_off_is_shown_but_not_remembered(server: OpenAIServer) -> None:
    def broken(exchange: Exchange, _: Any) -> None:
        exchange.begin()
        exchange.say("half")
        exchange.chunk(b"")

    server.answer = broken
    session, shown = Session("tiny"), Shown()
    with pytest.raises(ChatError, match="broke off"):
        exchange(Client(server.url), session, "hi", shown)
    assert (shown.text, shown.left, session.messages()) == ("half", 1, [])


def test_a_display_that_fails_stops_the_server(server: OpenAIServer) -> None:
    def fail() -> None:
        raise BrokenPipeError

    server.answer = endless
    with pytest.raises(BrokenPipeError):
        exchange(Client(server.url), Session("tiny"), "hi", Shown(fail))
    assert server.left.wait(10)


def test_a_chat_in_another_thread_leaves_signals_alone(server: OpenAIServer) -> None:
    shown = Shown()
    thread = threading.Thread(target=exchange, args=(Client(server.url), Session("tiny"), "hi", shown))
    thread.start()
    thread.join(10)
    assert shown.text == "Hello!"
