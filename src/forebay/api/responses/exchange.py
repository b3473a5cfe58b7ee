"""``POST /v1/responses`` and ``/v1/responses/input_tokens``: an exchange with one of OpenAI's newer clients."""

import msgspec

from forebay.api.chat.answer import Answer
from forebay.api.chat.counted import Count
from forebay.api.responses.events import ResponseEvents
from forebay.api.responses.request import chat_of, count_of
from forebay.api.responses.response import Replies
from forebay.api.responses.shapes import ResponseParams
from forebay.core.decode import decode
from forebay.core.types import Call, Request

PATH = "/v1/responses"
COUNT_PATH = "/v1/responses/input_tokens"


class Responses(msgspec.Struct, frozen=True):
    """A response is asked for; it tells how it was."""

    request: Request
    params: ResponseParams

    @classmethod
    def read(cls, body: bytes) -> "Responses":
        """The exchange that ``body`` begins.

        Raises:
            InvalidRequestError: it is no request for a response, or for one that no chat can give.
        """
        params = decode(body, ResponseParams)
        return cls(chat_of(params), params)

    def whole(self, call: Call, body: bytes) -> bytes:
        """The response."""
        replies = Replies(self.params, call)
        return msgspec.json.encode(replies.ended(Answer.of(replies.answer_id, body)))

    def stream(self, call: Call) -> ResponseEvents:
        """Its events."""
        return ResponseEvents(self.params, call)


def read_count(body: bytes) -> Count:
    """The exchange that ``body`` begins, if it asks for a count.

    Raises:
        InvalidRequestError: as for a response.
    """
    return Count(count_of(decode(body, ResponseParams)), "response.input_tokens")
