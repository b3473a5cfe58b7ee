"""Which tokens are good no more, as a process knows it."""

import time

import pytest

from forebay.auth.authorization_server import revoked
from forebay.auth.authorization_server.revoked import Revoked
from forebay.core.errors import UnavailableError


class Book:
    """Keeps them in memory, and may be away."""

    def __init__(self) -> None:
        self.kept: dict[str, float] = {}
        self.changes = 0
        self.reads = 0
        self.away = False

    async def version(self) -> int:
        if self.away:
            raise UnavailableError("away")
        return self.changes

    async def active(self, now: float) -> dict[str, float]:
        self.reads += 1
        return {each: ends for each, ends in self.kept.items() if ends > now}

    async def add(self, identity: str, ends: float) -> None:
        if self.away:
            raise UnavailableError("away")
        self.kept[identity] = ends
        self.changes += 1


async def test_what_another_process_revokes_is_known_after_the_next_look() -> None:
    book, later = Book(), time.time() + 60
    mine, other = Revoked(book), Revoked(book)
    await mine.refresh()
    await other.add("a", later)
    assert (mine.knows("a"), other.knows("a")) == (False, True)
    await mine.refresh()
    await mine.refresh()
    assert mine.knows("a")
    assert book.reads == 2


async def test_while_the_book_is_away_what_was_known_goes_on_and_nothing_is_revoked() -> None:
    book, later = Book(), time.time() + 60
    known = Revoked(book)
    await known.add("a", later)
    book.away = True
    await known.start()
    with pytest.raises(UnavailableError):
        await known.add("b", later)
    assert (known.knows("a"), known.knows("b")) == (True, False)
    await known.close()


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revoked, "MOST", 2)
    book = Book()
    known = Revoked(book)
    await known.add("a", time.time() - 1)
    await known.add("b", time.time() + 60)
    with pytest.raises(UnavailableError, match="Too many"):
        await known.add("c", time.time() + 60)
    await known.refresh()
    await known.add("c", time.time() + 60)
    assert [known.knows(each) for each in "abc"] == [False, True, True]
