"""Mends a chat's stream, chunk by chunk.

The chunk with the finish reason waits until the upstream has said that no more will come: only then is it certain to be
the last, and to say rightly whether tools were called.

Source: OpenAI's ``CreateChatCompletionStreamResponse``, and recorded streams of other servers.
"""

from typing import Any, Protocol

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.stream import event as framed
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.mending.calls import Calls
from forebay.providers.mending.fields import (
    Fields,
    decode,
    encode,
    finish_reason,
    head_of,
    mend_head,
    mend_usage,
    put,
    without_null,
)


class Mender(Protocol):
    """What becomes of a stream's chunks on their way to the client."""

    def chunk(self, event: bytes, data: bytes) -> bytes:
        """What of ``event``, whose JSON is ``data``, can go on now."""
        ...

    def end(self) -> bytes:
        """What is left when the upstream has said that its answer is whole."""
        ...


class AsItCame:
    """For an upstream that is exact."""

    def chunk(self, event: bytes, data: bytes) -> bytes:  # noqa: ARG002  # the port's signature
        """The event."""
        return event

    def end(self) -> bytes:
        """Nothing was kept back."""
        return b""


class _Said(msgspec.Struct):
    """What has been said of one choice; ``owed`` is whether its finish reason has yet to be sent in a chunk of ours."""

    calls: Calls
    role: bool = False
    reason: str = ""
    owed: bool = True


class _Held(msgspec.Struct):
    """A chunk that finishes choices."""

    event: bytes
    fields: Fields


class Mending:
    """For an upstream that is OpenAI-shaped: one stream. ``asked`` is whether the client wants the usage in it.

    Unknown fields are kept, and a chunk that needs no change goes on as the bytes that came.
    """

    def __init__(self, model: str, reasons: FinishReasons, *, asked: bool) -> None:
        self._model = model
        self._reasons = reasons
        self._asked = asked
        self._head: Fields = {}
        self._choices: dict[int, _Said] = {}
        self._held: list[_Held] = []
        self._usage: Fields | None = None
        self._last = b""

    def chunk(self, event: bytes, data: bytes) -> bytes:
        """What can go on now, mended.

        Raises:
            UpstreamError: the answer has failed, is nested too deeply, or no UTF-8.
        """
        try:
            fields = decode(data)
        except MALFORMED:
            raise UpstreamError("The provider sent a chunk that is nested too deeply, or no UTF-8.") from None
        choices = [] if fields.get("choices", ()) is None else fields.get("choices")
        if not (isinstance(choices, list) and all(isinstance(choice, dict) for choice in choices)):
            return event  # no chunk at all, so there is nothing that could be mended
        changed = self._mend_top(fields, choices)
        late = b""
        for position, choice in enumerate(choices):
            changed |= self._mend_choice(choice, position)
            if self._choices[choice["index"]].reason and choice["finish_reason"] is None and _speaks(choice["delta"]):
                late += self._unheld()
        finishing = [choice for choice in choices if choice["finish_reason"] is not None]
        if 0 < len(finishing) < len(choices):
            self._owe(finishing)
            changed, finishing = True, []
        mended = framed(encode(fields)) if changed else event
        if finishing:
            self._held.append(_Held(mended, fields))
        elif not choices and isinstance(fields.get("usage"), dict):
            self._last = mended
        elif not self._says_nothing_new(choices, changed=changed):
            return late + mended
        return late

    def end(self) -> bytes:
        """The chunks that finish, then the usage."""
        left = [held.event for held in self._held]
        left += [self._finish(index, said) for index, said in self._choices.items() if said.owed]
        if self._asked and (self._last or self._usage):
            left.append(self._last or framed(encode({**self._head, "choices": [], "usage": self._usage})))
        self._held, self._choices, self._usage, self._last = [], {}, None, b""
        return b"".join(left)

    def _mend_top(self, fields: Fields, choices: list[Fields]) -> bool:
        if not self._head:
            self._head = head_of(fields, "chat.completion.chunk", self._model)
        changed = mend_head(fields, self._head)
        if fields["choices"] is not choices:
            fields["choices"] = choices
            changed = True
        return self._mend_usage(fields, has_choices=bool(choices)) or changed

    def _mend_usage(self, fields: Fields, *, has_choices: bool) -> bool:
        """The usage has a chunk of its own, if the client wants it at all; elsewhere it is null then."""
        usage = fields.get("usage")
        if isinstance(usage, dict):
            changed = mend_usage(usage)
            if not has_choices:
                return changed
            self._usage = usage
        if self._asked:
            return put(fields, "usage", None)
        return usage is not None and fields.pop("usage") is not None

    def _owe(self, choices: list[Fields]) -> None:
        """Take the finish reasons away, to give them at the end."""
        for choice in choices:
            choice["finish_reason"] = None
            self._choices[choice["index"]].owed = True

    def _says_nothing_new(self, choices: list[Fields], *, changed: bool) -> bool:
        """Whether only a second finish reason was in it, or the usage."""
        if not (changed and choices):
            return False
        return all(self._choices[choice["index"]].reason and not _speaks(choice["delta"]) for choice in choices)

    def _mend_choice(self, choice: Fields, position: int) -> bool:
        changed = False
        index = choice.get("index")
        if type(index) is not int:
            choice["index"] = index = position
            changed = True
        said = self._choices.get(index)
        if said is None:
            said = self._choices[index] = _Said(Calls())
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            choice["delta"] = delta = {}
            changed = True
        changed |= _mend_delta(delta, said)
        told = choice.get("finish_reason", choice)
        if told is not None:
            changed |= self._mend_finish(choice, told, said)
        return changed

    def _mend_finish(self, choice: Fields, told: Any, said: _Said) -> bool:  # noqa: ANN401  # a foreign field
        """Of several finish reasons the first one counts; one that is missing or empty is null."""
        if not told or told is choice or said.reason:
            choice["finish_reason"] = None
            return True
        said.reason = finish_reason(told, self._reasons, called=bool(said.calls))
        said.owed = False
        choice["finish_reason"] = said.reason
        return bool(said.reason != told)

    def _unheld(self) -> bytes:
        """Chunks that were thought to be the last, without what made them so."""
        left = b""
        for held in self._held:
            self._owe(held.fields["choices"])
            if any(_speaks(choice["delta"]) for choice in held.fields["choices"]):
                left += framed(encode(held.fields))
        self._held = []
        return left

    def _finish(self, index: int, said: _Said) -> bytes:
        reason = finish_reason(said.reason, self._reasons, called=bool(said.calls))
        choice = {"index": index, "delta": {}, "logprobs": None, "finish_reason": reason}
        usage = {"usage": None} if self._asked else {}
        return framed(encode({**self._head, "choices": [choice], **usage}))


def _mend_delta(delta: Fields, said: _Said) -> bool:
    changed = False
    if said.role:
        changed = delta.pop("role", said) is not said
    elif delta.get("role") != "assistant":
        delta["role"] = "assistant"
        changed = True
    said.role = True
    if "function_call" in delta:
        changed |= without_null(delta, "function_call")
    if "tool_calls" in delta:
        calls = delta["tool_calls"]
        if isinstance(calls, list):
            return said.calls.mend(calls) or changed
        del delta["tool_calls"]
        return True
    return changed


def _speaks(delta: Fields) -> bool:
    """Whether there is anything of the answer in it."""
    return any(value for name, value in delta.items() if name != "role")
