"""What a dialect is: a pure pair of translations, without a socket, so that each can be tested by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from forebay.core.types import Call, Operation, Usage
from forebay.providers.dialects.answer import Answer, FinishReasons
from forebay.providers.dialects.framing import Framing, ServerSentEvents

Headers = Sequence[tuple[bytes, bytes]]


class VendorError(Exception):
    """The upstream says, in a reply with status 200, that it failed: the status it means, and its words."""

    def __init__(self, status: int, payload: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.payload = payload


class Reader(Protocol):
    """Reads the reply to one chat. It may keep in mind what it has read."""

    def whole(self, body: bytes, answer: Answer, /) -> None:
        """Tell ``answer`` all that stands in ``body``.

        Raises:
            msgspec.DecodeError: it is no reply.
            VendorError: it is an error.
        """
        ...

    def event(self, payload: bytes, answer: Answer, /) -> None:
        """Tell ``answer`` what one event says, and that it ends if the vendor has a word for that.

        Raises:
            msgspec.DecodeError: it is no event.
            VendorError: it is an error.
        """
        ...


@runtime_checkable
class HeadReader(Reader, Protocol):
    """One that reads the head of the reply, too."""

    def head(self, headers: Headers, /) -> None:
        """Take note of what is told there."""
        ...


class Exchange(msgspec.Struct, frozen=True):
    """One chat in the vendor's words: what is sent, who reads what comes back, how many answers that has."""

    path: bytes
    body: bytes
    reader: Reader
    headers: Headers = ()
    choices: int = 1


class Embedding(msgspec.Struct, frozen=True):
    """Embeddings in the vendor's words; ``read`` makes OpenAI's body, and the usage, of the reply."""

    path: bytes
    body: bytes
    read: Callable[[bytes], tuple[bytes, Usage]]


class Count(msgspec.Struct, frozen=True):
    """The question how many tokens a prompt has, in the vendor's words; ``read`` finds the number in the reply."""

    path: bytes
    body: bytes
    read: Callable[[bytes], int]


class Failure(msgspec.Struct, frozen=True):
    """What a refusal means: the status it should have had, and headers for the client."""

    status: int
    headers: Mapping[str, str] = {}


class Dialect(Protocol):
    """A vendor's way of speaking."""

    @property
    def reasons(self) -> FinishReasons:
        """Why its answers end."""
        ...

    @property
    def framing(self) -> Callable[[], Framing]:
        """How its streams are cut into events."""
        ...

    @property
    def kept_headers(self) -> Mapping[bytes, str]:
        """Headers of its replies (lower case) that a client may want to see, and under which name."""
        ...

    def chat(self, call: Call, model: str, /) -> Exchange:
        """Translate a chat for ``model``, the vendor's name.

        Raises:
            ForebayError: it cannot be.
        """
        ...

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes, /) -> Failure:
        """What a reply whose status is not 200 means; most often just that."""
        ...


@runtime_checkable
class EmbeddingDialect(Dialect, Protocol):
    """One that has embeddings, too."""

    def embed(self, call: Call, model: str, /) -> Embedding:
        """Translate a request for embeddings.

        Raises:
            ForebayError: it cannot be.
        """
        ...


@runtime_checkable
class CountingDialect(Dialect, Protocol):
    """One whose vendor can be asked for the tokens of a prompt."""

    def count(self, call: Call, model: str, /) -> Count:
        """Translate the question.

        Raises:
            ForebayError: it cannot be.
        """
        ...


def operations(dialect: Dialect) -> frozenset[Operation]:
    """What can be asked of a vendor."""
    found = {Operation.CHAT}
    if isinstance(dialect, EmbeddingDialect):
        found.add(Operation.EMBEDDING)
    if isinstance(dialect, CountingDialect):
        found.add(Operation.COUNT)
    return frozenset(found)


class Plain:
    """What is the same for most dialects."""

    framing: Callable[[], Framing] = ServerSentEvents
    kept_headers: Mapping[bytes, str] = {
        b"request-id": "x-upstream-request-id",
        b"x-request-id": "x-upstream-request-id",
    }

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = FinishReasons(reasons)

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:  # noqa: ARG002  # the port's
        """What it says."""
        return Failure(status)
