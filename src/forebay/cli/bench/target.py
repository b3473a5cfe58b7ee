"""One OpenAI-compatible server that is asked."""

import os
from collections.abc import Mapping
from typing import Literal

import msgspec

from forebay.cli.bench.failures import BenchError, FailedError, Failure, of_transport, remedy
from forebay.cli.bench.reading import clock, read_stream, read_whole
from forebay.cli.bench.samples import Sample
from forebay.cli.chat.failures import message_of
from forebay.core.types import TimeOuts
from forebay.providers.transport import BaseUrl, Client, Limits, TransportError, UnsendableError

Operation = Literal["chat", "completions", "embeddings"]
PATHS: Mapping[Operation, bytes] = {
    "chat": b"/chat/completions",
    "completions": b"/completions",
    "embeddings": b"/embeddings",
}
CONNECT_SECONDS = 10.0
MOST_CONNECTIONS = 20_000
MAX_MODELS = 16 * 1024 * 1024


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class Server(msgspec.Struct, frozen=True):
    """Where it is, what is sent with every request, and how long an answer may take, in seconds."""

    url: str
    headers: Mapping[str, str]
    timeout: float = 600.0


class Target:
    """Asks ``server``; belongs to the event loop of its first request.

    Raises:
        BenchError: the URL, or a header, cannot be.
    """

    def __init__(self, server: Server, operation: Operation, *, streamed: bool) -> None:
        self.url = _based(server.url)
        self.operation = operation
        self.streamed = streamed and operation != "embeddings"
        self._read = read_stream if self.streamed else read_whole
        self._path = PATHS[operation]
        seconds = server.timeout
        self._timeouts = TimeOuts(min(CONNECT_SECONDS, seconds), seconds, seconds, seconds)
        headers = {"content-type": "application/json", **server.headers}
        try:
            self._client = Client(self.url, headers=headers, limits=_LIMITS, environ=os.environ)
        except UnsendableError as error:
            raise BenchError(str(error)) from None

    async def ask(self, body: bytes, intended: float) -> Sample:
        """What became of one request; a failure is a sample, too."""
        sent = clock()
        try:
            response = await self._client.send(b"POST", self._path, body, timeouts=self._timeouts)
            return await self._read(response, intended, sent)
        except TransportError as error:
            return Sample(intended, sent, clock(), failure=of_transport(error))
        except FailedError as error:
            return Sample(intended, sent, clock(), failure=error.failure)

    async def model(self) -> str:
        """The name of the first model that the server lists.

        Raises:
            BenchError: it lists none.
        """
        try:
            response = await self._client.send(b"GET", b"/models", timeouts=self._timeouts)
            body = await response.read(MAX_MODELS)
        except TransportError as error:
            failure = of_transport(error)
            raise BenchError(f"{self.url}: {failure.message}. {remedy(failure)}".strip()) from None
        names = _names(body)
        if not names:
            said = (message_of(body) or "it lists no model").rstrip(".")
            todo = remedy(Failure("no model", said, response.status)) or "Say which to ask with --model."
            raise BenchError(f"{self.url}/models (status {response.status}): {said}. {todo}")
        return names[0]

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


_LIMITS = Limits(connections=MOST_CONNECTIONS, waiting=MOST_CONNECTIONS)


def _names(body: bytes) -> list[str]:
    try:
        return [each.id for each in msgspec.json.decode(body, type=_Models).data if not each.id.endswith("/*")]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _based(url: str) -> str:
    """``url`` as what stands before ``/chat/completions``: without a path it is ``/v1``."""
    text = url if "://" in url or url.startswith("unix:") else f"http://{url}"
    try:
        parts = BaseUrl.of(text)
    except UnsendableError as error:
        raise BenchError(str(error)) from None
    return text if parts.prefix or parts.query or parts.socket else text.rstrip("/") + "/v1"
