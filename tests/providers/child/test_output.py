"""What a child prints, in whatever pieces and amounts."""

import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.providers.child.output import KEPT_LINES, LINE_CHARACTERS, Output

ROOT_CAUSE = "(Worker pid=1) ERROR 11-23 08:42:23 [executor.py:953] ValueError: Available memory is less than desired"


def fed(*pieces: bytes) -> tuple[Output, list[tuple[int, str]]]:
    told: list[tuple[int, str]] = []
    output = Output(lambda level, line: told.append((level, line)))
    for piece in pieces:
        output.feed(piece)
    output.end()
    return output, told


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_lines_do_not_depend_on_the_pieces(data: bytes, cuts: list[int]) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(bounds)]
    assert fed(*pieces)[1] == fed(data)[1]


def test_a_carriage_return_ends_a_line() -> None:
    assert [line for _, line in fed(b"10%\r20%\r\n\nd", "öne\n".encode())[1]] == ["10%", "20%", "döne"]


def test_colours_and_control_characters_are_left_out() -> None:
    assert fed(b"\x1b[31mred\x1b[0m\x07\n")[1] == [(logging.DEBUG, "red")]


@pytest.mark.parametrize("piece", [b"x" * 65536, b"line\n" * 10_000])
def test_memory_is_bounded(piece: bytes) -> None:
    output = Output(lambda *_: None)
    for _ in range(20):
        output.feed(piece)
    output.end()
    assert len(output._held) <= 4 * LINE_CHARACTERS
    assert len(output._lines) <= KEPT_LINES
    assert len(output.last) <= LINE_CHARACTERS


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("(APIServer pid=1) INFO 11-23 08:41:25 [api.py:1] ready", logging.DEBUG),
        ("(APIServer pid=1) WARNING 11-23 08:41:25 [api.py:1] careful", logging.WARNING),
        ("ERROR: it broke", logging.ERROR),
        ("loading", logging.DEBUG),
        ("a long sentence in whose second half, far from its start, stands the word ERROR", logging.DEBUG),
    ],
)
def test_the_level_is_what_the_line_says(line: str, level: int) -> None:
    assert fed(line.encode())[1] == [(level, line)]


def test_the_last_message_is_told_without_what_a_log_puts_before_it() -> None:
    output, _ = fed(b"(APIServer pid=1) INFO 11-23 08:41:25 [model.py:733] Resolved [the] architecture\n")
    assert output.last == "Resolved [the] architecture"
    assert fed(b"plain")[0].last == "plain"
    assert fed()[0].last == ""


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (f"x\n{ROOT_CAUSE}\nTraceback\nRuntimeError: Engine core initialization failed.", ROOT_CAUSE[54:]),
        ("usage: vllm\nvllm serve: error: unrecognized arguments: --nope", None),
        ("WARNING this can cause errors like `OSError: too many`\nthe end", "the end"),
        ("", ""),
    ],
)
def test_the_cause_is_the_first_exception(text: str, cause: str | None) -> None:
    found = fed(text.encode())[0].cause()
    assert found == (text.splitlines()[-1] if cause is None else cause)
