"""``POST /v1/messages`` and ``/v1/messages/count_tokens``: an exchange with one of Anthropic's clients."""

import msgspec

from forebay.api.anthropic.reply import MessageEvents, message
from forebay.api.anthropic.request import chat_of, count_of
from forebay.api.anthropic.shapes import MessageParams
from forebay.api.chat.counted import Count
from forebay.core.decode import decode
from forebay.core.types import Call, Request

PATH = "/v1/messages"
COUNT_PATH = "/v1/messages/count_tokens"
ID_HEADERS = (b"request-id",)


class Messages(msgspec.Struct, frozen=True):
    """A message is asked for."""

    request: Request

    @classmethod
    def read(cls, body: bytes) -> "Messages":
        """The exchange that ``body`` begins.

        Raises:
            InvalidRequestError: it is no request for a message, or one that only Anthropic can honour.
        """
        return cls(chat_of(decode(body, MessageParams)))

    def whole(self, call: Call, body: bytes) -> bytes:
        """The message."""
        return message(call, body)

    def stream(self, call: Call) -> MessageEvents:
        """Its events."""
        return MessageEvents(call)


def read_count(body: bytes) -> Count:
    """The exchange that ``body`` begins, if it asks for a count.

    Raises:
        InvalidRequestError: as for a message.
    """
    return Count(count_of(body))
