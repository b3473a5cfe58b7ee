"""Events come out whole, whatever pieces they arrive in."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import UpstreamError
from forebay.providers.dialects import framing
from forebay.providers.dialects.framing import Framing, Lines, ServerSentEvents

SSE = 'event: a\ndata: {"x": "ü🌍"}\n\n: ping\n\ndata: one\ndata: two\n\n'.encode()
NDJSON = '{"x": "ü🌍"}\n\n  \n{"y": 1}\n'.encode()


def fed(made: Framing, data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [payload for a, b in itertools.pairwise(edges) for payload in made.feed(data[a:b])]
    return found + made.end()


@given(st.lists(st.integers(0, len(SSE) + 5)), st.booleans())
def test_server_sent_events(cuts: list[int], crlf: bool) -> None:  # noqa: FBT001  # hypothesis
    data = SSE.replace(b"\n", b"\r\n") if crlf else SSE
    assert fed(ServerSentEvents(), b"\xef\xbb\xbf" + data, cuts) == ['{"x": "ü🌍"}'.encode(), b"one\ntwo"]


@given(st.lists(st.integers(0, len(NDJSON))), st.booleans(), st.booleans())
def test_lines(cuts: list[int], crlf: bool, ended: bool) -> None:  # noqa: FBT001
    data = NDJSON.replace(b"\n", b"\r\n") if crlf else NDJSON
    found = fed(Lines(), data if ended else data.rstrip(), cuts)
    assert found == ['{"x": "ü🌍"}'.encode(), b'{"y": 1}']


@given(st.lists(st.binary(max_size=20)))
def test_anything_can_be_fed(pieces: list[bytes]) -> None:
    for made in (ServerSentEvents(), Lines()):
        for piece in pieces:
            assert all(made.feed(piece))
        assert all(made.end())


@pytest.mark.parametrize("made", [ServerSentEvents, Lines])
def test_an_event_without_an_end_has_one(made: type[Framing], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "EVENT_BYTES", 100)
    endless = made()
    endless.feed(b"data: " + b"x" * 60)
    with pytest.raises(UpstreamError):
        endless.feed(b"x" * 60)
