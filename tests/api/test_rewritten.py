"""Events on their way through a writer: what is done at each end, and when."""

from collections.abc import AsyncGenerator

import pytest

from forebay.api.rewritten import Ends, Rewritten
from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.stream import Primed
from forebay.core.types import Event, Events


class Capitals:
    """A dialect in capitals, in which blanks say nothing."""

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole

    def feed(self, data: bytes) -> bytes:
        return data.strip().upper()

    def end(self) -> bytes:
        if not self._whole:
            raise UpstreamError("The answer is not whole.")
        return b"END"

    def broken(self, error: ForebayError) -> bytes:
        return error.message.encode()


class Noted:
    """Notes its ends in the order in which they come."""

    def __init__(self, error: ForebayError | None = None) -> None:
        self.seen: list[str] = []
        self._error = error

    async def whole(self) -> None:
        self.seen.append("whole")
        if self._error is not None:
            raise self._error

    async def cut(self) -> None:
        self.seen.append("cut")

    def left(self) -> None:
        self.seen.append("left")

    @property
    def ends(self) -> Ends:
        return Ends(self.whole, self.cut, self.left)


async def pieces(*given: bytes | ForebayError) -> AsyncGenerator[Event, None]:
    for piece in given:
        if isinstance(piece, ForebayError):
            raise piece
        yield Event(piece, content=True)


def events(first: bytes, *rest: bytes | ForebayError) -> Events:
    return Primed(Event(first, content=True), pieces(*rest))


async def test_the_last_event_leaves_after_what_is_done_at_the_end() -> None:
    noted = Noted()
    found = Rewritten(events(b"a", b" ", b"b"), Capitals(), noted.ends)
    assert [(event.data, list(noted.seen)) async for event in found] == [(b"A", []), (b"B", []), (b"END", ["whole"])]
    await found.aclose()
    assert noted.seen == ["whole", "left"]


async def test_without_ends_there_is_nothing_to_do() -> None:
    found = Rewritten(events(b"a"), Capitals())
    assert [event.data async for event in found] == [b"A", b"END"]
    await found.aclose()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_broken_answer_is_cut_once(*, whole: bool) -> None:
    noted = Noted()
    rest = [UpstreamError("Broken.")] if whole else []
    found = Rewritten(events(b"a", *rest), Capitals(whole=whole), noted.ends)
    assert (await anext(found)).data == b"A"
    with pytest.raises(UpstreamError):
        await anext(found)
    with pytest.raises(StopAsyncIteration):
        await anext(found)
    await found.aclose()
    assert noted.seen == ["cut", "left"]


async def test_an_end_that_cannot_be_breaks_the_stream() -> None:
    noted = Noted(UpstreamError("It cannot be kept."))
    found = Rewritten(events(b" "), Capitals(), noted.ends)
    with pytest.raises(UpstreamError, match="kept"):
        await anext(found)
    assert found.broken(UpstreamError("x")) == b"x"
    assert noted.seen == ["whole"]
