"""Passes an OpenAI-shaped reply on, and looks into it as far as a gateway must.

What it looks for: the usage, the end, an error in disguise, an event that is none. So every event of a stream is
decoded, which costs half a microsecond; looking for a few words in it would cost as much and miss what is malformed.
What is handed on are the bytes that came, or what the upstream's `Mender` makes of them.
"""

import time
from collections.abc import AsyncGenerator, Iterable
from typing import Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from forebay.core.decode import MALFORMED
from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.stream import DONE, Framer, payload
from forebay.core.types import Event, Trace, Usage
from forebay.core.usage import Counted
from forebay.providers.failures import Told, broken, disguised
from forebay.providers.mending.stream import Mender
from forebay.providers.transport import TimedOutError, TransportError

Said = str | list[Raw] | dict[str, Raw] | None
"""Text, or whatever a vendor puts in its place; nothing said is false."""


BOM = b"\xef\xbb\xbf"


class Delta(msgspec.Struct):
    """``choices[].delta``, as far as it can be content."""

    content: Said = None
    tool_calls: Said = None
    reasoning_content: Said = None
    reasoning: Said = None
    refusal: Said = None
    function_call: Said = None
    audio: Said = None

    @property
    def anything_else(self) -> bool:
        """Whether there is something of the answer beside the content."""
        return bool(
            self.tool_calls
            or self.reasoning_content
            or self.reasoning
            or self.refusal
            or self.function_call
            or self.audio
        )


class Choice(msgspec.Struct):
    """``choices[]`` of a chunk, of chats and completions alike."""

    index: int = 0
    delta: Delta | None = None
    text: Said = None
    finish_reason: Said = None


class Chunk(msgspec.Struct):
    """One event of a stream."""

    choices: list[Choice] | UnsetType | None = UNSET
    usage: Counted | None = None
    error: Said = None


class Body(msgspec.Struct):
    """A whole reply."""

    choices: list[Raw] | None = None
    data: list[Raw] | None = None
    input_tokens: int | None = None
    usage: Counted | None = None
    error: Said = None


class Strange(msgspec.Struct):
    """A JSON object of which nothing is known."""


_chunks = msgspec.json.Decoder(Chunk)
_bodies = msgspec.json.Decoder(Body)
_strange = msgspec.json.Decoder(Strange)
_strange_bodies = msgspec.json.Decoder(dict[str, Raw])


def usage_of(body: bytes, provider: str, secrets: Iterable[str] = ()) -> Usage | None:
    """The usage of a whole reply.

    Raises:
        ForebayError: it is no reply: no JSON, an error, or without an answer in it.
    """
    try:
        if not body.isascii():
            body.decode()  # what is passed over while it is looked into is not looked at
        found = _body(body)
    except MALFORMED:
        raise UpstreamError(f"The provider '{provider}' answered with something that is no completion.") from None
    if found.error:
        raise disguised(Told.of(body, secrets), provider)
    if not (found.choices or found.data) and found.input_tokens is None:
        raise UpstreamError(f"The provider '{provider}' gave an empty answer.")
    return found.usage.usage() if found.usage else None


def _body(body: bytes) -> Body:
    try:
        return _bodies.decode(body)
    except msgspec.ValidationError:  # a usage of another shape must not make an answer useless
        fields = _strange_bodies.decode(body)
        fields.pop("usage", None)
        return _bodies.decode(msgspec.json.encode(fields))


class Terms(msgspec.Struct, frozen=True):
    """On which terms a stream is relayed.

    ``choices`` is how many answers the client asked for. ``unasked`` says that it did not ask for the usage but Forebay
    did: the chunk that has nothing else is left out. The first token, and a comment is none, has ``first_token``
    seconds. ``secrets`` are kept out of errors.
    """

    choices: int = 1
    unasked: bool = False
    first_token: float = 120.0
    secrets: tuple[str, ...] = ()


class Pieces(Protocol):
    """Where a stream comes from: a response, or whoever writes what one would have."""

    async def chunk(self) -> bytes:
        """The next bytes, none after the last.

        Raises:
            ForebayError: it broke.
            TransportError: its connection did.
        """
        ...

    def close(self) -> None:
        """Let it go, whatever is left."""
        ...

    def abandon(self) -> None:
        """Let it go; nothing of interest is left."""
        ...


class Relay:
    """A stream of chunks on its way from ``provider`` to a client, by way of the ``mender``."""

    def __init__(self, response: Pieces, provider: str, trace: Trace, terms: Terms, mender: Mender) -> None:
        self._response = response
        self._provider = provider
        self._trace = trace
        self._mender = mender
        self._choices = terms.choices
        self._unasked = terms.unasked
        self._secrets = terms.secrets
        self._patience = time.monotonic() + terms.first_token
        self._begun = False
        self._done = False
        self._content = False
        self._failure: ForebayError | None = None
        self._seen: set[int] = set()
        self._finished: set[int] = set()

    async def events(self) -> AsyncGenerator[Event, None]:
        """The events, whole ones only.

        Raises:
            ForebayError: the stream broke, or says that it failed; what came before that has been handed on.
        """
        response, framer = self._response, Framer()
        try:
            while not self._done and (data := await response.chunk()):
                event = self._looked_into(framer.feed(data))
                if event is not None:
                    yield event
                self._check()
            if not self._done:
                yield self._end(framer)
        except TransportError as error:
            if not self._is_whole:
                raise broken(error, self._provider) from error
            yield Event(self._mender.end() + DONE, self._content)
        finally:
            if self._done:
                response.abandon()  # its last bytes are on their way, and the connection is worth keeping
            else:
                response.close()

    @property
    def _is_whole(self) -> bool:
        """Whether every answer has come to its end, even if the stream has not."""
        return len(self._finished) >= self._choices and self._finished >= self._seen

    def _check(self) -> None:
        if self._failure is not None:
            raise self._told()
        if not self._begun:
            if self._done:
                raise UpstreamError(f"The provider '{self._provider}' sent no answer.")
            if time.monotonic() > self._patience:
                raise broken(TimedOutError("first_token"), self._provider)

    def _told(self) -> ForebayError:
        """The failure, which is kept no longer: its traceback will know this object."""
        failure, self._failure = self._failure, None
        assert failure is not None  # noqa: S101  # asked before
        return failure

    def _end(self, framer: Framer) -> Event:
        """What is left when the upstream has closed: some leave out the last blank line, or ``[DONE]``."""
        last = self._looked_into(framer.feed(b"\n\n"))
        self._check()
        if not self._done and not (self._begun and self._is_whole):
            raise UpstreamError(f"The provider '{self._provider}' ended its stream before the answer was whole.")
        data = last.data if last else b""
        content = self._content or (last is not None and last.content)
        return Event(data if self._done else data + self._mender.end() + DONE, content)

    def _looked_into(self, whole: bytes) -> Event | None:
        """What of ``whole`` events goes on to the client."""
        try:
            data = self._at_once(whole)
            if data is None:
                data = self._one_by_one(whole)
        except ForebayError as failure:
            self._failure = failure
            return None
        if not data:
            return None  # what the mender keeps back is content when it goes on
        content, self._content = self._content, False
        return Event(data, content)

    def _at_once(self, whole: bytes) -> bytes | None:
        """The fast path: one event, on one line, that is a chunk for the client; ``None`` if it is anything else."""
        if not whole.startswith(b"data: {") or whole.find(b"\n\n") != len(whole) - 2:
            return None
        data = whole[6:-2]
        try:
            chunk = _chunks.decode(data)
        except MALFORMED:
            return None
        if chunk.error or chunk.choices is UNSET or not self._note(chunk):
            return None
        return self._mender.chunk(whole, data)

    def _one_by_one(self, whole: bytes) -> bytes:
        kept = []
        if not self._begun:
            whole = whole.removeprefix(BOM)
        for event in whole.split(b"\n\n"):
            try:
                if event:
                    kept.append(self._for_the_client(event))
            except ForebayError as failure:
                self._failure = failure
                break
            if self._done:
                break
        return b"".join(kept)

    def _for_the_client(self, event: bytes) -> bytes:
        """What the client gets for one ``event``, which is without its end here."""
        data = payload(event)
        whole = event + b"\n\n"
        if data is None:  # a comment, or what no client knows
            return whole if self._begun else b""
        if data == b"[DONE]":
            self._done = True
            return self._mender.end() + whole if self._begun else b""
        if not data:
            return b""
        chunk = self._decoded(data)
        if chunk.error:
            raise disguised(Told.of(data, self._secrets), self._provider)
        if chunk.choices is UNSET and not self._begun:
            raise UpstreamError(f"The provider '{self._provider}' began its stream with something that is no chunk.")
        return self._mender.chunk(whole, data) if self._note(chunk) else b""

    def _decoded(self, data: bytes) -> Chunk:
        """``data`` as a chunk; a JSON object of another shape says nothing."""
        try:
            return _chunks.decode(data)
        except msgspec.ValidationError:
            pass
        except MALFORMED:
            raise UpstreamError(f"The provider '{self._provider}' sent an event that is no JSON.") from None
        try:
            _strange.decode(data)
        except MALFORMED:
            raise UpstreamError(f"The provider '{self._provider}' sent an event that is no chunk.") from None
        return Chunk()

    def _note(self, chunk: Chunk) -> bool:
        """Remember what ``chunk`` says; whether it is for the client."""
        choices = chunk.choices or ()
        for choice in choices:
            (self._finished if choice.finish_reason else self._seen).add(choice.index)
            delta = choice.delta
            if choice.text or (delta is not None and (delta.content or delta.anything_else)):
                self._content = True
        if chunk.usage is not None:
            self._trace.usage = chunk.usage.usage()
            if self._unasked and not choices:
                return False
        self._begun = True
        return True
