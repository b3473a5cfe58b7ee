"""Reads a reply while it arrives, and notes when its pieces came.

Source: OpenAI's API reference, "Chat completion chunk" and "Streaming"; vLLM's names of reasoning.
"""

import time
from array import array
from http import HTTPStatus
from typing import Any, Final

import msgspec

from forebay.cli.bench.failures import FailedError, of_status
from forebay.cli.bench.samples import Sample
from forebay.cli.chat.failures import message_of
from forebay.core.errors import UpstreamError
from forebay.core.stream import Framer, payloads
from forebay.providers.transport import Response

MAX_WHOLE: Final = 64 * 1024 * 1024
MAX_ERROR: Final = 64 * 1024
clock = time.perf_counter


class _Said(msgspec.Struct):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    tool_calls: Any = None

    def anything(self) -> bool:
        return bool(self.content or self.reasoning_content or self.reasoning or self.tool_calls or self.refusal)


class _Choice(msgspec.Struct):
    delta: _Said | None = None
    message: _Said | None = None
    text: str | None = None
    finish_reason: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """The server's own count."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] | None = None
    data: list[msgspec.Raw] | None = None
    usage: Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Completion).decode


async def read_stream(response: Response, intended: float, sent: float) -> Sample:
    """The sample of a streamed reply.

    Raises:
        FailedError: it is none, or no whole one.
        TransportError: it broke off.
    """
    await _accept(response)
    kind = (response.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"text/event-stream":
        response.close()
        raise FailedError("not a stream", f"the reply to a streamed request is {kind.decode('latin-1') or 'untyped'}")
    framer, marks = Framer(), Marks()
    try:
        while piece := await response.chunk():
            now = clock()
            for data in payloads(framer.feed(piece)):
                marks.take(data, now)
    except UpstreamError as error:
        raise FailedError("no completion", str(error)) from None
    finally:
        response.close()
    return marks.sample(intended, sent, hit=_hit(response))


async def read_whole(response: Response, intended: float, sent: float) -> Sample:
    """The sample of a reply in one piece; raises as `read_stream`."""
    await _accept(response)
    body = await response.read(MAX_WHOLE)
    last = clock()
    found = _completion(body)
    if not (found.choices or found.data):
        raise FailedError("no completion", "the reply is JSON, but neither a completion nor embeddings")
    usage = found.usage or Usage()
    return Sample(
        intended,
        sent,
        last,
        output=usage.completion_tokens,
        input=usage.prompt_tokens,
        counted="nothing" if usage.completion_tokens is None else "usage",
        hit=_hit(response),
    )


class Marks:
    """When the pieces of one stream came, and what the server said of it."""

    __slots__ = ("_chunks", "_ended", "_first", "_gaps", "_last", "_usage")

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = 0.0
        self._chunks = 0
        self._gaps = array("d")
        self._usage = Usage()
        self._ended = False

    def take(self, data: bytes, now: float) -> None:
        """One event's data, which arrived at ``now``.

        Raises:
            FailedError: it is an error, or no chunk.
        """
        if data == b"[DONE]":
            self._ended = True
            return
        chunk = _completion(data)
        if chunk.usage is not None:
            self._usage = chunk.usage
        for choice in chunk.choices or ():
            if choice.text or (choice.delta is not None and choice.delta.anything()):
                self._content(now)
            if choice.finish_reason:
                self._ended = True

    def _content(self, now: float) -> None:
        if self._first is None:
            self._first = now
        else:
            self._gaps.append(now - self._last)
        self._last = now
        self._chunks += 1

    def sample(self, intended: float, sent: float, *, hit: bool = False) -> Sample:
        """All that was noted.

        Raises:
            FailedError: there was no content, or no end.
        """
        if not self._ended:
            raise FailedError("cut off", "the stream ended without [DONE] or a finish_reason")
        if self._first is None:
            raise FailedError("empty", "the stream had no content")
        counted = self._usage.completion_tokens
        return Sample(
            intended,
            sent,
            self._last,
            self._first,
            self._chunks if counted is None else counted,
            self._usage.prompt_tokens,
            "chunks" if counted is None else "usage",
            self._gaps,
            hit,
        )


async def _accept(response: Response) -> None:
    if response.status != HTTPStatus.OK:
        failure = of_status(response.status, await response.read(MAX_ERROR))
        raise FailedError(failure.kind, failure.message, failure.status)


def _hit(response: Response) -> bool:
    return (response.header(b"x-cache") or b"").endswith(b"HIT")


def _completion(data: bytes) -> _Completion:
    try:
        found = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FailedError("no completion", f"not what OpenAI's API answers: {data[:80]!r}") from None
    if found.error:
        raise FailedError("error in the reply", message_of(data) or str(found.error))
    return found
