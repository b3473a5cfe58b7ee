"""Fields of no known shape in a stream: held until a choice ends, and judged as the client will put them together.

A field that nobody has heard of may be cut anywhere, or come whole each time. So its pieces wait; the strings at the
same path make one text, and each is a text of its own.
"""

from typing import Any, Final

import msgspec

from forebay.core.errors import UpstreamError
from forebay.core.verdicts import Side
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.texts import Fields, Name, Place, UnreadableError, of_message

LIMIT: Final = 16 * 1024 * 1024
"""So many bytes of one choice may wait."""


class Aside:
    """The pieces of one choice."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._pieces: list[Fields] = []
        self._size = 0

    def take(self, key: str, value: Any) -> None:  # noqa: ANN401  # a foreign field
        """Keep a piece.

        Raises:
            UpstreamError: there are too many.
        """
        self._size += len(msgspec.json.encode(value))
        if self._size > LIMIT:
            raise UpstreamError("The upstream sent more beside its answer than guards can hold.")
        self._pieces.append({key: value})

    async def rest(self) -> list[Fields]:
        """All pieces in their order, as the rules let them pass.

        Raises:
            Violation: a rule stops one.
            UpstreamError: there are more texts than can be judged.
        """
        pieces, self._pieces = self._pieces, []
        texts: dict[tuple[type, str], list[Place]] = {}
        try:
            for place in of_message({"choices": pieces}, Side.OUTPUT, ""):
                texts.setdefault((type(place), _path(place)), []).append(place)
        except UnreadableError:
            raise UpstreamError("The upstream sent more texts than guards can read.") from None
        for places in texts.values():
            await self._passed(places)
        return pieces

    async def _passed(self, places: list[Place]) -> None:
        if len(places) > 1:
            whole = "".join(place.text for place in places)
            if await self._judged(whole) == whole:
                return
        for place in places:
            place.put(await self._judged(place.text))
        if isinstance(places[0], Name):
            return  # names come whole
        whole = "".join(place.text for place in places)
        if len(places) > 1 and (mended := await self._judged(whole)) != whole:
            for place in places:
                place.put("")
            places[0].put(mended)

    async def _judged(self, text: str) -> str:
        return await self._inspection.of_reply(Side.OUTPUT).end(text)


def _path(place: Place) -> str:
    """Where the text stands in its piece, whichever that is."""
    return place.param.partition("].")[2]
