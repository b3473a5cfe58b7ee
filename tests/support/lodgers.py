"""Models that load, fail and weigh as a test says, and count what is in memory: for what lets models come and go."""

import asyncio
from collections.abc import Mapping

from forebay.core.types import Call, Deployment, Event, Reply, Stream, Whole

REPLY = Whole(b"{}")


class House:
    """Everything that is in memory."""

    def __init__(self) -> None:
        self.inside: list[Lodger] = []
        self.made: list[Lodger] = []

    @property
    def weight(self) -> int:
        return sum(model.weight for model in self.inside)


class Lodger:
    """A model whose loading ends when ``gate`` is settled; it may be closed only while nobody uses it."""

    def __init__(self, house: House, name: str, weight: int) -> None:
        self.name = name
        self.weight = weight
        self.users = 0
        self.gate: asyncio.Future[None] | None = None
        self.trouble: str | None = None
        self._house = house
        house.made.append(self)

    async def weigh(self) -> int:
        return self.weight

    async def start(self) -> None:
        self._house.inside.append(self)
        self.gate = asyncio.get_running_loop().create_future()
        await self.gate

    async def close(self) -> None:
        if self in self._house.inside:
            self._house.inside.remove(self)

    def failure(self) -> str | None:
        return self.trouble

    def gauges(self) -> Mapping[str, float]:
        return {"users": self.users}

    async def answer(self, _call: Call, _deployment: Deployment, /) -> Reply:
        return REPLY

    @property
    def is_loading(self) -> bool:
        return self in self._house.inside and self.gate is not None and not self.gate.done()


class Endless:
    """A stream that goes on until it is closed."""

    def __init__(self, model: Lodger) -> None:
        self._model = model
        model.users += 1

    def __aiter__(self) -> "Endless":
        return self

    async def __anext__(self) -> Event:
        return Event(b"data: {}\n\n")

    async def aclose(self) -> None:
        self._model.users -= 1


async def streamed(model: Lodger) -> Reply:
    """Ask ``model`` for a stream."""
    return Stream(Endless(model))


async def whole(_model: Lodger) -> Reply:
    """Ask for a reply in one piece."""
    return REPLY
