"""Tells the tool calls of a streamed answer apart, whatever a server makes of their indexes and ids.

Some give all calls index 0, some none an index; some repeat the id or the name in every fragment, invent a new id for
each, or call each of them ``0``. So what begins a call is a name: another one than before, with another id, the second
in one chunk, or after arguments that were whole at once.
"""

from collections.abc import Iterable

import msgspec

from forebay.core.decode import MALFORMED
from forebay.providers.mending.fields import Fields, call_id, mend_arguments, mend_call, put

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Call(msgspec.Struct):
    number: int
    id: str
    name: str
    told_index: int | None
    told_id: str
    whole: bool


class Calls:
    """The tool calls of one choice."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._ids: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._calls)

    def mend(self, fragments: Iterable[object]) -> bool:
        """Number ``fragments`` from 0 without gaps; id, type and name stand in the first of a call only."""
        changed = False
        touched: set[int] = set()
        for fragment in fragments:
            if isinstance(fragment, dict):
                changed |= self._mend(fragment, touched)
        return changed

    def _mend(self, fragment: Fields, touched: set[int]) -> bool:
        told = fragment.get("function")
        function = told if isinstance(told, dict) else {}
        name = function.get("name") or ""
        call = self._continued(fragment, name, touched)
        if call is None:
            call = self._begun(fragment, name)
            changed = put(fragment, "id", call.id)
            changed |= mend_call(fragment)
            call.whole = _is_whole(fragment["function"]["arguments"])
        else:
            changed = _mend_rest(fragment, function, call)
        touched.add(call.number)
        return put(fragment, "index", call.number) or changed

    def _continued(self, fragment: Fields, name: str, touched: set[int]) -> _Call | None:
        """The call that ``fragment`` goes on with; ``touched`` are those that have had one in this chunk."""
        call = self._named(fragment)
        if call is None or not name or not call.name:
            return call
        other_id = _real(fragment.get("id")) not in ("", call.told_id)
        return None if other_id or name != call.name or call.whole or call.number in touched else call

    def _named(self, fragment: Fields) -> _Call | None:
        index, told_id = fragment.get("index"), _real(fragment.get("id"))
        if index is None and not told_id:
            return self._calls[-1] if self._calls else None
        for call in reversed(self._calls):
            if call.told_index == index if index is not None else call.told_id == told_id:
                return call
        return None

    def _begun(self, fragment: Fields, name: str) -> _Call:
        told = fragment.get("id")
        call = _Call(len(self._calls), call_id(told, self._ids), name, fragment.get("index"), _real(told), whole=False)
        self._calls.append(call)
        self._ids.add(call.id)
        return call


def _mend_rest(fragment: Fields, function: Fields, call: _Call) -> bool:
    """Of a fragment that is not the first: only what is new."""
    changed = False
    for name in ("id", "type"):
        changed |= fragment.pop(name, fragment) is not fragment
    if "name" in function and (call.name or not function["name"]):
        del function["name"]
        changed = True
    call.name = call.name or function.get("name", "")
    if fragment.get("function") is not function:
        fragment["function"] = function
        changed = True
    return mend_arguments(function) or changed


def _is_whole(arguments: str) -> bool:
    if not arguments.endswith("}"):
        return False
    try:
        _object.decode(arguments)
    except MALFORMED:
        return False
    return True


def _real(told: object) -> str:
    """An id that tells calls apart; a number is a position at best."""
    return told if isinstance(told, str) and not told.isdigit() else ""
