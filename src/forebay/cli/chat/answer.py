"""An answer on its way, read by a thread of its own.

So whoever shows it can watch the clock and the keyboard meanwhile. Stopping it closes the connection, which is how the
server learns that nobody wants the rest.
"""

import contextlib
import http.client
import queue
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from forebay.cli.chat.failures import BROKEN_OFF, ChatError, message_of, told
from forebay.core.stream import Framer, payloads

if TYPE_CHECKING:
    from forebay.cli.chat.client import Client

_READ: Final = 64 * 1024
_MAX_WHOLE: Final = 16 * 1024 * 1024
_PARTING_SECONDS: Final = 0.5
_DONE: Final = b"[DONE]"


class Piece(msgspec.Struct, frozen=True):
    """A piece of an answer: some text or, after it, how many tokens it was; ``at``: when it arrived."""

    at: float
    text: str = ""
    tokens: int | None = None


class _End(msgspec.Struct, frozen=True):
    error: ChatError | None = None


class _Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    delta: _Said | None = None
    message: _Said | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int | None = None


class _Completion(msgspec.Struct):
    """A completion, or a chunk of one."""

    choices: Sequence[_Choice] = ()
    usage: _Usage | None = None
    error: object = None


class Answer:
    """The answer to ``body``; `batches` gives it, `stop` ends it."""

    def __init__(self, client: "Client", body: bytes) -> None:
        self.stopped = False
        self._client = client
        self._body = body
        self._socket: socket.socket | None = None
        # A simple queue can be put into by a signal handler while it is being read.
        self._arrived: queue.SimpleQueue[Piece | _End] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="forebay-answer", daemon=True).start()

    def batches(self, seconds: float) -> Iterator[list[Piece]]:
        """What has arrived since the last time, at least every ``seconds`` even if that is nothing.

        Raises:
            ChatError: there is no answer, or it broke off.
        """
        end = None
        while end is None:
            batch, end = self._batch(seconds)
            yield batch
        if end.error and not self.stopped:
            raise end.error

    def stop(self) -> None:
        """End the answer and its connection; whatever arrives now is not shown any more."""
        self.stopped = True
        self._arrived.put(_End())
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Below TLS: its own shutdown would take the state away under the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _batch(self, seconds: float) -> tuple[list[Piece], _End | None]:
        batch: list[Piece] = []
        try:
            item = self._arrived.get(timeout=seconds)
            while not isinstance(item, _End):
                batch.append(item)
                item = self._arrived.get_nowait()
        except queue.Empty:
            return batch, None
        return batch, item

    def _run(self) -> None:
        end = _End(ChatError(BROKEN_OFF))
        try:
            self._read()
            end = _End()
        except ChatError as error:
            end = _End(error)
        finally:
            self._arrived.put(end)

    def _read(self) -> None:
        connection = self._client.connection()
        with contextlib.closing(connection):
            self._client.connect(connection)
            self._socket = connection.sock
            if self.stopped:
                return
            with contextlib.closing(self._client.ask(connection, "POST", "/chat/completions", self._body)) as response:
                self._read_body(response)

    def _read_body(self, response: http.client.HTTPResponse) -> None:
        kind = response.headers.get_content_type()
        with told(self._client.url):
            if kind == "text/event-stream":
                self._read_events(response)
            elif kind == "application/json":
                self._take(response.read(_MAX_WHOLE))
            else:
                raise ChatError(f"The server at {self._client.url} answered with {kind} instead of a chat completion.")

    def _read_events(self, response: http.client.HTTPResponse) -> None:
        framer = Framer()
        while data := response.read1(_READ):
            for payload in payloads(framer.feed(data)):
                if payload == _DONE:
                    self._leave_politely(response)
                    return
                self._take(payload)
        raise ChatError(BROKEN_OFF)

    def _leave_politely(self, response: http.client.HTTPResponse) -> None:
        """Read on to the end of the body, which should be here already: no server shall think that we broke off."""
        if self._socket is not None:
            self._socket.settimeout(_PARTING_SECONDS)
        with contextlib.suppress(OSError, http.client.HTTPException):
            response.read(_READ)

    def _take(self, payload: bytes) -> None:
        at = time.perf_counter()
        try:
            completion = msgspec.json.decode(payload, type=_Completion)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ChatError("The server sent something that is no chat completion.") from None
        if completion.error:
            raise ChatError(message_of(payload) or BROKEN_OFF)
        for choice in completion.choices[:1]:
            said = choice.delta or choice.message or _Said()
            if text := (said.content or "") + (said.refusal or ""):
                self._arrived.put(Piece(at, text))
        if completion.usage:
            self._arrived.put(Piece(at, tokens=completion.usage.completion_tokens))
