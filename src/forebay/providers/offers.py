"""What each model of another Forebay answers: its own ``GET /v1/models`` says so, and this keeps up with it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from forebay.core.errors import ForebayError
from forebay.core.operations import STORED
from forebay.core.types import Operation
from forebay.providers.vllm.endpoint import ServedModel

EVERYTHING: Final = frozenset(Operation) - STORED
LEARN_EVERY: Final = 30.0
AGAIN_AFTER: Final = 5.0
"""Seconds until a list is read anew, and until it is asked for again where there was none."""

_ANY: Final = "*"
_NAMES: Final[Mapping[str, Operation]] = {each.value: each for each in EVERYTHING}


class Offers:
    """Of a model that the list says nothing of everything is possible: what it cannot do it says itself."""

    def __init__(self, listed: Callable[[], Awaitable[Sequence[ServedModel]]]) -> None:
        self._listed = listed
        self._known: Mapping[str, frozenset[Operation]] = {}
        self._due = 0.0

    async def learn(self) -> None:
        """Read the list, if it is time."""
        now = asyncio.get_running_loop().time()
        if now < self._due:
            return
        try:
            found = await self._listed()
        except ForebayError:
            self._due = now + AGAIN_AFTER
        else:
            self._known = {each.id: _read(each.operations) for each in found if each.operations is not None}
            self._due = now + LEARN_EVERY

    def expire(self) -> None:
        """The list may be another one from now on."""
        self._due = 0.0

    def of(self, model: str) -> frozenset[Operation]:
        """What can be asked of ``model``; of a pattern (``*``, ``vendor/*``) what can be asked of any that it means."""
        found = self._known.get(model)
        if found is not None:
            return found
        if _ANY in model:
            start = model.partition(_ANY)[0]
            return frozenset[Operation]().union(*self._matching(lambda name: name.startswith(start))) or EVERYTHING
        wider = self._matching(lambda name: name.endswith(_ANY) and model.startswith(name[:-1]))
        return frozenset[Operation]().union(*wider) or EVERYTHING

    def _matching(self, fits: Callable[[str], bool]) -> list[frozenset[Operation]]:
        return [operations for name, operations in self._known.items() if fits(name)]


def _read(names: Sequence[str]) -> frozenset[Operation]:
    """What this version knows of them."""
    return frozenset(_NAMES[name] for name in names if name in _NAMES)
