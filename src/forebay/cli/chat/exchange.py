"""One turn of a chat: a question goes out, its answer is shown as it arrives, Ctrl-C stops it."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

from forebay.cli.chat.client import Client
from forebay.cli.chat.display import Display
from forebay.cli.chat.session import Session, Turn

TICK_SECONDS: Final = 0.1


def exchange(client: Client, session: Session, question: str, display: Display) -> Turn:
    """Ask ``question`` and show the answer; the turn becomes part of ``session``.

    Raises:
        ChatError: there is no answer, or it broke off; what has come of it has been shown.
    """
    turn = Turn(question)
    answer = client.answer(session.request(question))
    try:
        with _ctrl_c_calls(answer.stop), display:
            for batch in answer.batches(TICK_SECONDS):
                turn.take(batch)
                display.show("".join(piece.text for piece in batch))
    finally:
        turn.stopped = answer.stopped
        answer.stop()
    session.add(turn)
    display.tell(turn.summary())
    return turn


@contextlib.contextmanager
def _ctrl_c_calls(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C call ``stop`` instead of interrupting whatever is being drawn."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
