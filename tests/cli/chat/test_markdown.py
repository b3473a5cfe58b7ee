"""Markdown that is rendered while it arrives ends up as if it had been there at once, and nothing is lost."""

import io
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rich.console import Console
from rich.markdown import Markdown

from forebay.cli.chat import markdown
from forebay.cli.chat.markdown import Blocks, Terminal
from forebay.cli.chat.painter import Painter
from tests.support.screen import Screen

ANSWER = """\
# Title

A paragraph with **bold** text, `code` and a [link](https://example.com/x).

1. one
2. two

   still two

- a
- b

```python
def f():

    return 1
```

| a | b |
|---|---|
| 1 | 2 |

<div>kept</div>

> quoted

The end <b>here</b>.
"""


def console_on(screen: Screen) -> Console:
    return Console(file=screen, width=screen.width, height=screen.height, force_terminal=True, highlight=False)


def shown(pieces: list[str], screen: Screen) -> str:
    """Everything a terminal has of an answer in these pieces, when every piece is a frame."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown, "FRAME_SECONDS", 0.0)
        patch.setattr(markdown, "RESTRAINT", 0)
        with Terminal(console_on(screen)) as terminal:
            for piece in pieces:
                terminal.show(piece)
    return screen.text


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(places)]


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_a_whole_answer_is_readable() -> None:
    assert shown([ANSWER], Screen(60)).splitlines() == [
        "Title",
        "",
        "A paragraph with bold text, code and a link",
        "(https://example.com/x).",
        "",
        " 1 one",
        " 2 two",
        "   still two",
        "",
        " • a",
        " • b",
        "",
        "def f():",
        "",
        "    return 1",
        "",
        "",
        " a  b",
        " ────",
        " 1  2",
        "",
        "",
        "<div>kept</div>",
        "",
        "▌ quoted",
        "",
        "The end <b>here</b>.",
    ]


@given(st.lists(st.integers(0, 10_000), max_size=60), st.integers(2, 30), st.integers(20, 100))
@hypothesis_settings(deadline=None)
def test_an_answer_in_pieces_is_the_same_and_all_of_it_stays(cuts: list[int], height: int, width: int) -> None:
    whole = shown([ANSWER], Screen(width, 200))
    assert lines_of(shown(pieces_of(ANSWER, cuts), Screen(width, height))) == lines_of(whole)


def test_an_answer_by_single_characters_on_a_tiny_screen() -> None:
    assert lines_of(shown(list(ANSWER), Screen(30, 3))) == lines_of(shown([ANSWER], Screen(30, 200)))


MARKDOWN = st.text(alphabet="ab12.-*#`>|=_~ \t\n\n\n<!/[](){}\\:+", max_size=200)


@given(MARKDOWN, st.lists(st.integers(0, 200), max_size=20))
@hypothesis_settings(max_examples=500, deadline=None)
def test_closed_blocks_stay_as_they_are(text: str, cuts: list[int]) -> None:
    """What is cut off early means the same as it does within the whole text, and nothing is cut away."""
    blocks = Blocks()
    closed = [part for part in (blocks.feed(piece) for piece in pieces_of(text, cuts)) if part]
    assert "\n".join([*closed, blocks.rest]) == text
    apart = [token.type for part in [*closed, blocks.rest] for token in Markdown(part).parsed if not token.level]
    assert apart == [token.type for token in Markdown(text).parsed if not token.level]


@given(st.text(max_size=200), st.lists(st.integers(0, 200), max_size=10))
@hypothesis_settings(deadline=None)
def test_any_text_can_be_shown(text: str, cuts: list[int]) -> None:
    shown(pieces_of(text, cuts), Screen(40, 10))


def test_what_a_terminal_would_obey_is_not_sent() -> None:
    assert shown(["a\x1b]0;title\x07b\x1b[2Jc\x9b1md\r\n"], Screen()) == "a]0;titleb[2Jc1md"


def test_waiting_is_shown_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(markdown, "FRAME_SECONDS", 0.0)
    monkeypatch.setattr(markdown, "RESTRAINT", 0)
    with Terminal(console_on(screen)) as terminal:
        terminal.show("")
        assert screen.text.endswith(" 0 s")
        terminal.show("Here.")
    assert screen.text == "Here."


def test_drawing_leaves_most_of_the_time_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    with Terminal(console_on(screen)) as terminal:
        draw = terminal._frame

        def draw_slowly(now: float) -> None:
            time.sleep(0.02)
            draw(now)

        monkeypatch.setattr(terminal, "_frame", draw_slowly)
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            terminal.show("a ")
            time.sleep(0.001)
    assert 2 <= screen.frames <= 6


def test_a_frame_redraws_only_what_changed() -> None:
    written: list[str] = []

    class Watched(Screen):
        """A screen that remembers what was sent to it."""

        def write(self, text: str, /) -> int:
            written.append(text)
            return super().write(text)

    screen = Watched(20, 10)
    painter = Painter(console_on(screen))
    painter.draw([], ["one", "two", "three"])
    painter.draw([], ["one", "two", "three four"])
    assert "one" not in written[-1]
    assert "two" not in written[-1]
    painter.draw(["one", "two"], ["three four"])
    painter.draw([], ["three four"])
    assert len(written) == 2
    painter.draw(["three four", ""], [])
    painter.draw(["end"], [])
    assert screen.text == "one\ntwo\nthree four\n\nend"


def test_a_terminal_that_became_narrower() -> None:
    screen = Screen(20, 10)
    console = console_on(screen)
    painter = Painter(console)
    painter.draw([], ["a" * 20, "b"])
    # What a terminal does to its text.
    screen.width = console.width = 10
    screen.rows, screen.row, screen.column = ["a" * 10, "a" * 10, "b", ""], 3, 0
    painter.draw([], ["a" * 10, "c"])
    assert screen.text == "a" * 10 + "\nc"


def test_colours_are_only_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    with Terminal(Console(file=out, width=40, force_terminal=True, highlight=False)) as terminal:
        terminal.show("```python\nx = 1\n```\n")
    assert "\x1b[3" not in out.getvalue()
    assert "x = 1" in out.getvalue()
