"""The count of a prompt's tokens, as the pipeline tells it and as the clients of dialects read it."""

from typing import Literal, NoReturn

import msgspec
from msgspec import UNSET, UnsetType

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.types import Call, Request


class Counted(msgspec.Struct):
    """The count; OpenAI's has an ``object`` besides."""

    input_tokens: int
    object: Literal["response.input_tokens"] | UnsetType = UNSET


class Count(msgspec.Struct, frozen=True):
    """One request for a count; ``object`` is what its client calls it."""

    request: Request
    object: Literal["response.input_tokens"] | UnsetType = UNSET

    def whole(self, call: Call, body: bytes) -> bytes:  # noqa: ARG002  # Exchange
        """The count in ``body``.

        Raises:
            UpstreamError: there is none.
        """
        try:
            found = msgspec.json.decode(body, type=Counted)
        except MALFORMED:
            raise UpstreamError("The upstream answered with something that is no count of tokens.") from None
        return msgspec.json.encode(Counted(found.input_tokens, self.object))

    def stream(self, call: Call) -> NoReturn:  # noqa: ARG002  # Exchange
        """There is no such thing.

        Raises:
            UpstreamError: always.
        """
        raise UpstreamError("The upstream streamed a count of tokens.")
