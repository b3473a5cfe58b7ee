"""Framing of server-sent events: any split of a stream gives the same events."""

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.stream import DONE, HELD_BYTES, Framer, Primed, error_event, event, payloads
from forebay.core.types import Event

EVENTS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=20), min_size=1, max_size=5
)


@given(texts=EVENTS, line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]), data=st.data())
def test_any_split_gives_the_same_events(texts: list[str], line_end: bytes, data: st.DataObject) -> None:
    whole = b"".join(b"data: " + text.encode() + line_end * 2 for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    framer, out = Framer(), []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        out.append(framer.feed(whole[start:end]))
    found = b"".join(out)
    # A CR at the very end may be half of a CRLF: what it ends waits for the next byte, whatever that is.
    if line_end == b"\r":
        found += framer.feed(b"\n\n")
    assert [text.encode() for text in texts] == payloads(found)
    assert all(not piece or piece.endswith(b"\n\n") for piece in out)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_cut_or_held_but_never_lost(data: bytes) -> None:
    framer = Framer()
    out = framer.feed(data)
    normal = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert (out + framer.held).replace(b"\r\n", b"\n").replace(b"\r", b"\n") == normal
    payloads(out)


def test_an_event_without_an_end_is_bounded() -> None:
    framer = Framer(limit=100)
    assert framer.feed(b"x" * 60) == b""
    with pytest.raises(UpstreamError):
        framer.feed(b"x" * 60)


def test_payloads_join_lines_and_leave_out_comments() -> None:
    assert payloads(b": ping\n\nevent: x\ndata: a\ndata:b\n\n" + DONE) == [b"a\nb", b"[DONE]"]


def test_an_error_event_carries_all_four_keys() -> None:
    (payload,) = payloads(error_event(UpstreamError("It broke.")))
    assert payload == b'{"error":{"message":"It broke.","type":"upstream_error","param":null,"code":"upstream_error"}}'


class Source:
    """A generator of events that tells whether it was closed."""

    def __init__(self, count: int, failure: ForebayError | None = None) -> None:
        self.count = count
        self.failure = failure
        self.closed = False

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            for number in range(self.count):
                yield Event(event(b"%d" % number))
            if self.failure:
                raise self.failure
        finally:
            self.closed = True


async def test_primed_events_come_in_order() -> None:
    primed = await Primed.of(Source(3).events())
    assert [each.data async for each in primed] == [event(b"0"), event(b"1"), event(b"2")]


async def test_an_early_failure_is_raised_before_there_is_a_stream() -> None:
    with pytest.raises(UpstreamError, match="broke"):
        await Primed.of(Source(0, UpstreamError("broke")).events())
    with pytest.raises(UpstreamError, match="before the first event"):
        await Primed.of(Source(0).events())


async def test_closing_before_the_first_step_frees_what_is_behind() -> None:
    source = Source(3)
    primed = await Primed.of(source.events())
    await primed.aclose()
    assert source.closed


async def test_what_comes_before_the_content_goes_with_it() -> None:
    async def pieces() -> AsyncGenerator[Event, None]:
        yield Event(b"role ", content=False)
        yield Event(b"nothing ", content=False)
        yield Event(b"content")
        yield Event(b"done", content=False)

    assert [each async for each in await Primed.of(pieces())] == [
        Event(b"role nothing content"),
        Event(b"done", content=False),
    ]


async def test_without_any_content_everything_is_one_piece() -> None:
    async def pieces() -> AsyncGenerator[Event, None]:
        yield Event(b"role ", content=False)
        yield Event(b"done", content=False)

    assert [each async for each in await Primed.of(pieces())] == [Event(b"role done", content=False)]


async def test_what_has_no_content_is_not_held_without_end() -> None:
    async def endless() -> AsyncGenerator[Event, None]:
        while True:
            yield Event(b"x" * 1000, content=False)

    primed = await Primed.of(endless())
    assert HELD_BYTES < len((await anext(aiter(primed))).data) <= HELD_BYTES + 1000
    await primed.aclose()


async def test_a_failure_before_the_content_is_raised_at_once() -> None:
    async def pieces() -> AsyncGenerator[Event, None]:
        yield Event(b"role ", content=False)
        raise UpstreamError("gone")

    with pytest.raises(UpstreamError, match="gone"):
        await Primed.of(pieces())
