"""The order of the stages."""

from collections.abc import Sequence

from forebay.core.ports import Handler
from forebay.core.types import Call, Reply, Whole
from forebay.gateway.pipeline import compose
from tests.support.scripted import call


class Noting:
    """A stage that notes when it is passed in each direction."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    async def __call__(self, call: Call, ask: Handler) -> Reply:
        self.notes.append(f"{self.name} in")
        reply = await ask(call)
        self.notes.append(f"{self.name} out")
        return reply


async def last(_call: Call) -> Reply:
    return Whole(b"{}")


async def test_the_first_stage_is_outermost() -> None:
    notes: list[str] = []
    handler = compose([Noting("a", notes), Noting("b", notes)], last)
    assert await handler(call()) == Whole(b"{}")
    assert notes == ["a in", "b in", "b out", "a out"]


async def test_without_stages_the_last_handler_answers() -> None:
    stages: Sequence[Noting] = ()
    assert await compose(stages, last)(call()) == Whole(b"{}")
