"""No half characters, nothing of a stop string, and everything else as soon as it is certain."""

from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.sequence import Finish, Logprobs, Output
from forebay.engine.text import Piece, StopStrings, Text
from tests.support import sequences
from tests.support.sequences import output

LOGPROBS = Logprobs(-1.0, ())


def feed(text: Text, count: int, finish: Finish | None = "length", *, logprobs: bool = False) -> list[Piece]:
    """Feed the tokens 0 to count - 1, the last of which ends the text; stops where a stop string does."""
    pieces: list[Piece] = []
    for token in range(count):
        last = finish if token == count - 1 else None
        pieces.append(text.feed(output(token, last, LOGPROBS if logprobs else None)))
        if pieces[-1].finish:
            break
    return pieces


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces, cut at ``places``."""
    ends = [*sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(said=st.text(), places=st.lists(st.integers(0, 200), max_size=20))
def test_characters_are_told_whole_wherever_tokens_end(said: str, places: list[int]) -> None:
    tokens = cut(said.encode(), places)
    told = [piece.text for piece in feed(Text(tokens), len(tokens))]
    assert "".join(told) == said
    for number in range(len(told)):
        arrived = b"".join(tokens[: number + 1])
        assert "".join(told[: number + 1]) == arrived.decode(errors="ignore"), "a whole character was held back"


def test_a_character_that_never_ends_is_not_told() -> None:
    tokens = ["Grüße ".encode(), "🙂".encode()[:3]]
    assert "".join(piece.text for piece in feed(Text(tokens), 2)) == "Grüße "


def test_bytes_that_are_no_text_are_told_as_such() -> None:
    assert [piece.text for piece in feed(Text([b"a", b"\xff", b"b"]), 3)] == ["a", "\ufffd", "b"]


def test_the_end_token_has_no_text_but_counts() -> None:
    text = Text([b"a", b"<end>"])
    assert [piece.text for piece in feed(text, 2, "stop")] == ["a", ""]
    assert text.tokens == 2


def test_where_a_grammar_ends_the_text_its_last_token_is_told() -> None:
    last = Output(sequences.sequence([1]), 0, LOGPROBS, "stop")
    piece = Text([b"}"]).feed(last)
    assert (piece.text, piece.finish, len(piece.entries)) == ("}", "stop", 1)


def test_a_stop_string_ends_the_text_before_it() -> None:
    text = Text([b"one", b" tw", b"o th", b"ree"], ["two"])
    pieces = feed(text, 4)
    assert [(piece.text, piece.finish) for piece in pieces] == [("one", None), (" ", None), ("", "stop")]
    assert text.tokens == 3


def test_what_only_looked_like_a_stop_string_is_told() -> None:
    pieces = feed(Text([b"a##", b"#b##"], ["####"]), 2)
    assert [piece.text for piece in pieces] == ["a", "###b##"]


def test_the_first_of_several_stop_strings_counts() -> None:
    assert StopStrings(["cd", "bcde"]).feed("abcde") == ("a", True)
    assert StopStrings(["xyz", "b"]).feed("abxyz") == ("a", True)


def test_no_stop_string_before_min_tokens() -> None:
    pieces = feed(Text([b"a", b".", b"b", b"."], ["."], min_tokens=3), 4)
    assert "".join(piece.text for piece in pieces) == "a.b"
    assert [piece.finish for piece in pieces] == [None, None, None, "stop"]


def test_a_lead_is_told_first_and_is_no_part_of_the_text() -> None:
    text = Text([b"a", b"b", b"stop"], ["stop"], lead="stop: ")
    assert [piece.text for piece in feed(text, 3)] == ["stop: a", "b", ""]
    held = Text([b"st", b"op"], ["stop"], lead="Hm ")
    assert [(piece.text, piece.finish) for piece in feed(held, 2)] == [("Hm ", None), ("", "stop")]


STOPS = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3)


@given(said=st.text("ab", max_size=30), stops=STOPS, places=st.lists(st.integers(0, 30), max_size=10))
def test_stop_strings_wherever_the_text_is_cut(said: str, stops: list[str], places: list[int]) -> None:
    tokens = cut(said.encode(), places)
    pieces = feed(Text(tokens, stops), len(tokens))
    told = "".join(piece.text for piece in pieces)
    ends = [end for end in range(len(said) + 1) if any(said[:end].endswith(stop) for stop in stops)]
    if not ends:
        assert told == said
        assert pieces[-1].finish == "length"
        return
    assert pieces[-1].finish == "stop"
    assert said.startswith(told)
    assert not any(stop in told for stop in stops)
    assert any(said[len(told) :].startswith(stop) for stop in stops)
    # Nothing was told that may have been the beginning of a stop string.
    for number in range(len(pieces) - 1):
        shown = "".join(piece.text for piece in pieces[: number + 1])
        arrived = b"".join(tokens[: number + 1]).decode()
        assert not any(shown.endswith(stop[:n]) for stop in stops for n in range(1, len(stop)) if shown == arrived)


def test_logprobs_are_told_with_the_token_and_its_place() -> None:
    pieces = feed(Text(["é".encode(), b"ab", b"<", b"|"], ["<|x"]), 4, logprobs=True)
    assert [[(entry.token, entry.start) for entry in piece.entries] for piece in pieces] == [
        [(0, 0)],
        [(1, 1)],
        [],
        [(2, 3), (3, 4)],
    ]


def test_logprobs_of_an_unfinished_character_wait_for_it() -> None:
    smile = "🙂".encode()
    pieces = feed(Text([smile[:2], smile[2:], b"!"]), 3, logprobs=True)
    assert [[entry.token for entry in piece.entries] for piece in pieces] == [[], [0, 1], [2]]


def test_logprobs_of_a_stop_string_or_an_end_token_are_not_told() -> None:
    stopped = feed(Text([b"a", b"b#", b"#"], ["##"]), 3, logprobs=True)
    assert [entry.token for piece in stopped for entry in piece.entries] == [0, 1]
    ended = feed(Text([b"a", b""]), 2, "stop", logprobs=True)
    assert [entry.token for piece in ended for entry in piece.entries] == [0]
