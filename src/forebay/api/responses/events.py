"""An answer as the events of OpenAI's newer streams, as it comes."""

import itertools
from collections.abc import Sequence

import msgspec

from forebay.api.chat.answer import Answer
from forebay.api.chat.parts import Reasoning, Refusal, Text, ToolCall
from forebay.api.responses.output import Fields, content, content_of
from forebay.api.responses.response import NOWHERE, Place, Replies, Response
from forebay.api.responses.shapes import ResponseParams
from forebay.core.conversations import Facts
from forebay.core.errors import ForebayError
from forebay.core.stream import payloads
from forebay.core.types import Call


class ResponseEvents:
    """Writes an answer down as events."""

    def __init__(self, params: ResponseParams, call: Call, place: Place = NOWHERE) -> None:
        self.response: Response | None = None
        self._replies = Replies(params, call, place)
        self._answer = Answer(self._replies.answer_id, self)
        self._numbers = itertools.count()
        self._out: list[bytes] = []
        self._done: list[Fields] = []
        self._told = -1
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        """What the chat's events in ``data`` tell; comments stay as they are."""
        found = payloads(data)
        if not self._begun:
            self._begin()
        elif not found:
            return data
        for payload in found:
            if payload != b"[DONE]":
                self._answer.feed(payload)
        return self._taken()

    def end(self) -> bytes:
        """The last events.

        Raises:
            UpstreamError: the answer is not whole.
        """
        self._answer.end()
        self.response = response = self._replies.ended(self._answer)
        self._tell(f"response.{response.status}", response)
        return self._taken()

    def broken(self, error: ForebayError) -> bytes:
        """The event after which nothing comes: the response has failed."""
        if not self._begun:
            self._begin()
        self.response = response = self._replies.failed(self._done, error)
        self._tell("response.failed", response)
        return self._taken()

    def kept(self) -> Sequence[Fields]:
        """The items as they are kept, as far as they have come."""
        return self._replies.kept(self._answer)

    def facts(self) -> Facts:
        """How the answer came to be, as far as it has come."""
        return self._replies.facts(self._answer)

    def opened(self, index: int, part: Text) -> None:  # noqa: ARG002  # Listener
        """An item begins."""
        item = self._replies.item(self._answer, index, "in_progress")
        self._write("response.output_item.added", output_index=index, item=item)

    def grew(self, index: int, part: Text, piece: str) -> None:
        """An item goes on."""
        where = self._where(index)
        if isinstance(part, ToolCall):
            self._write("response.function_call_arguments.delta", **where, delta=piece)
            return
        if index > self._told:
            self._told = index
            self._write("response.content_part.added", **where, content_index=0, part=content_of(part, ""))
        more: Fields = {} if isinstance(part, Refusal | Reasoning) else {"logprobs": []}
        self._write(f"response.{_kind(part)}.delta", **where, content_index=0, delta=piece, **more)

    def closed(self, index: int, part: Text) -> None:
        """An item ends."""
        where = self._where(index)
        if isinstance(part, ToolCall):
            self._write("response.function_call_arguments.done", **where, name=part.name, arguments=part.text)
        elif part.pieces:
            told = {name: value for name, value in content(part).items() if name not in {"type", "annotations"}}
            self._write(f"response.{_kind(part)}.done", **where, content_index=0, **told)
            self._write("response.content_part.done", **where, content_index=0, part=content(part))
        item = self._replies.item(self._answer, index, self._replies.status(self._answer, index))
        self._done.append(item)
        self._write("response.output_item.done", output_index=index, item=item)

    def _begin(self) -> None:
        self._begun = True
        for kind in ("response.created", "response.in_progress"):
            self._tell(kind, self._replies.begun())

    def _where(self, index: int) -> Fields:
        return {"item_id": self._replies.item_id(self._answer, index), "output_index": index}

    def _tell(self, kind: str, response: Response) -> None:
        self._write(kind, response=response)

    def _write(self, kind: str, **fields: object) -> None:
        payload = _encode({"type": kind, "sequence_number": next(self._numbers), **fields})
        self._out.append(b"event: " + kind.encode() + b"\ndata: " + payload + b"\n\n")

    def _taken(self) -> bytes:
        out, self._out = self._out, []
        return b"".join(out)


_encode = msgspec.json.Encoder().encode


def _kind(part: Text) -> str:
    """What the events of a part's text are called."""
    match part:
        case Refusal():
            return "refusal"
        case Reasoning():
            return "reasoning_text"
        case _:
            return "output_text"
