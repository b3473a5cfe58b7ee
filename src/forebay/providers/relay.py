"""Passes an OpenAI-shaped reply on as it came, and looks into it only as far as a gateway must.

What it looks for: the usage, the end, an error in disguise. A piece of a stream in which none of these can be is handed
on without being parsed.
"""

from collections.abc import AsyncGenerator

import msgspec

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.stream import DONE, Framer, payloads
from forebay.core.types import Event, Trace, Usage
from forebay.providers.failures import Told, broken, meaning
from forebay.providers.transport import Response, TransportError

# What makes a piece of a stream worth parsing; both spellings that JSON writers use.
MARKS = (
    b'"usage":{',
    b'"usage": {',
    b'"finish_reason":"',
    b'"finish_reason": "',
    b'"error":',
)
NOTHING = (b"", b"null", b'""', b"[]")
NULL = msgspec.Raw(b"null")


class Details(msgspec.Struct):
    """``usage.prompt_tokens_details``."""

    cached_tokens: int | None = None


class Counted(msgspec.Struct):
    """``usage``."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None

    def usage(self) -> Usage:
        """In Forebay's terms."""
        details = self.prompt_tokens_details
        return Usage(self.prompt_tokens or 0, self.completion_tokens or 0, (details and details.cached_tokens) or 0)


class Delta(msgspec.Struct):
    """``choices[].delta``, as far as it can be content."""

    content: msgspec.Raw = NULL
    reasoning_content: msgspec.Raw = NULL
    tool_calls: msgspec.Raw = NULL


class Choice(msgspec.Struct):
    """``choices[]`` of a chunk, of chats and completions alike."""

    delta: Delta | None = None
    text: msgspec.Raw = NULL
    finish_reason: str | None = None

    @property
    def content(self) -> bool:
        """Whether any of the answer is in it."""
        found = [self.text]
        if self.delta is not None:
            found += (self.delta.content, self.delta.reasoning_content, self.delta.tool_calls)
        return any(bytes(each) not in NOTHING for each in found)


class Chunk(msgspec.Struct):
    """One event of a stream."""

    choices: list[Choice] | None = None
    usage: Counted | None = None
    error: msgspec.Raw = NULL


class Body(msgspec.Struct):
    """A whole reply."""

    choices: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None
    usage: Counted | None = None
    error: msgspec.Raw = NULL


_chunks = msgspec.json.Decoder(Chunk)
_bodies = msgspec.json.Decoder(Body)


def usage_of(body: bytes, provider: str) -> Usage | None:
    """The usage of a whole reply.

    Raises:
        UpstreamError: it is no reply: no JSON, or without an answer in it.
    """
    try:
        found = _bodies.decode(body)
    except msgspec.DecodeError:
        raise UpstreamError(f"The provider '{provider}' answered with something that is no completion.") from None
    if not (found.choices or found.data):
        raise _disguised(found.error, provider) or UpstreamError(f"The provider '{provider}' gave an empty answer.")
    return found.usage.usage() if found.usage else None


class Relay:
    """A stream of chunks on its way from ``provider`` to a client.

    ``unasked`` says that the client did not ask for the usage but Forebay did: the chunk that has nothing else is left
    out.
    """

    def __init__(self, response: Response, provider: str, trace: Trace, *, unasked: bool) -> None:
        self._response = response
        self._provider = provider
        self._trace = trace
        self._unasked = unasked
        self._finished = False
        self._done = False

    async def events(self) -> AsyncGenerator[Event, None]:
        """The events, whole ones only.

        Raises:
            ForebayError: the stream broke, or says that it failed.
        """
        response, framer = self._response, Framer()
        whole_lines = False
        try:
            while not self._done and (data := await response.chunk()):
                whole = framer.feed(data)
                if whole_lines and _plain(whole):
                    yield Event(whole)
                elif whole and (event := self._looked_into(whole)):
                    whole_lines = True
                    yield event
            if not self._done:
                for event in self._rest(framer):
                    yield event
        except TransportError as error:
            raise broken(error, self._provider) from None
        finally:
            if self._done:
                response.abandon()  # its last bytes are on their way, and the connection is worth keeping
            else:
                response.close()

    def _rest(self, framer: Framer) -> list[Event]:
        """What is left when the upstream has closed: some leave out the last blank line, or ``[DONE]``."""
        last = framer.feed(b"\n\n") if framer.held else b""
        events = [event for event in (self._looked_into(last) if last else None,) if event]
        if not self._finished:
            raise UpstreamError(f"The provider '{self._provider}' ended its stream before the answer was whole.")
        return events if self._done else [*events, Event(DONE, content=False)]

    def _looked_into(self, whole: bytes) -> Event | None:
        kept, content = [], False
        for part in whole.split(b"\n\n"):
            for payload in payloads(part):
                keep, has_content = self._payload(payload)
                content = content or has_content
                if keep:
                    kept.append(b"data: " + payload + b"\n\n")
        return Event(b"".join(kept), content) if kept else None

    def _payload(self, payload: bytes) -> tuple[bool, bool]:
        """Whether to pass ``payload`` on, and whether it has content."""
        if payload == b"[DONE]":
            self._done = self._finished = True
            return True, False
        try:
            chunk = _chunks.decode(payload)
        except msgspec.DecodeError:
            raise UpstreamError(f"The provider '{self._provider}' sent an event that is no chunk.") from None
        if error := _disguised(chunk.error, self._provider):
            raise error
        if chunk.usage is not None:
            self._trace.usage = chunk.usage.usage()
        choices = chunk.choices or []
        self._finished = self._finished or any(choice.finish_reason for choice in choices)
        keep = bool(choices) or not (self._unasked and chunk.usage is not None)
        return keep, any(choice.content for choice in choices)


def _plain(whole: bytes) -> bool:
    """Whether ``whole`` is nothing but chunks of content."""
    if not whole.startswith(b"data: {") or not whole.endswith(b"}\n\n"):
        return False
    return not any(mark in whole for mark in MARKS)


def _disguised(error: msgspec.Raw, provider: str) -> ForebayError | None:
    """The failure that stands in a reply with status 200."""
    if bytes(error) in NOTHING:
        return None
    told = Told.of(b'{"error":' + bytes(error) + b"}")
    status = int(told.code) if told.code and told.code.isdecimal() else 502
    return meaning(status, told, provider, {})
