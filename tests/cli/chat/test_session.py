"""What a chat remembers, asks and counts."""

import json
import time

import pytest

from forebay.cli.chat.answer import Piece
from forebay.cli.chat.session import Session, Turn


def turn(question: str, *pieces: str) -> Turn:
    made = Turn(question)
    made.take(Piece(time.perf_counter(), piece) for piece in pieces)
    return made


def test_a_session_asks_with_all_that_was_said() -> None:
    session = Session("m", "Be brief.")
    session.add(turn("a?", "A", "."))
    assert json.loads(session.request("b?")) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a?"},
            {"role": "assistant", "content": "A."},
            {"role": "user", "content": "b?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_turn_without_an_answer_never_happened() -> None:
    session = Session("m")
    session.add(turn("a?"))
    assert session.messages() == []


def test_reset_keeps_model_and_system_prompt() -> None:
    session = Session("m", "s")
    session.add(turn("a?", "A"))
    session.reset()
    assert [message.role for message in session.messages()] == ["system"]
    assert session.model == "m"


def test_a_session_can_be_read() -> None:
    session = Session("m", "s")
    session.add(turn("a?\n", "A."))
    assert session.as_markdown() == "# Chat with m\n\n## System\n\ns\n\n## You\n\na?\n\n## Assistant\n\nA.\n"
    assert json.loads(session.as_json()) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "a?\n"},
            {"role": "assistant", "content": "A."},
        ],
    }


@pytest.mark.parametrize(
    ("pieces", "tokens", "stopped", "summary"),
    [
        ([(0.5, "a"), (0.75, "b"), (1.5, "c")], 5, False, "0.50 s to the first token · 5 tokens · 4.0 tokens/s"),
        ([(0.5, "a"), (0.75, "b"), (1.5, "c")], None, False, "0.50 s to the first token · ≈3 tokens · ≈2.0 tokens/s"),
        ([(0.5, "a"), (1.0, "b")], None, True, "stopped · 0.50 s to the first token · ≈2 tokens · ≈2.0 tokens/s"),
        ([(0.25, "a")], 1, False, "0.25 s to the first token · 1 token"),
        ([], None, True, "stopped"),
        ([], 0, False, "an empty answer"),
    ],
)
def test_what_is_told_about_an_answer(
    pieces: list[tuple[float, str]],
    tokens: int | None,
    stopped: bool,  # noqa: FBT001  # a column of the table
    summary: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0)
    made = Turn("?")
    made.take(Piece(100.0 + at, text) for at, text in pieces)
    made.take([Piece(102.0, tokens=tokens)])
    made.stopped = stopped
    assert made.summary() == summary
