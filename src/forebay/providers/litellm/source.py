"""LiteLLM's replies as the bytes of an OpenAI-shaped server's, for the same eyes that look into those.

What LiteLLM adds of its own is taken out again, as far as it can be told apart: the finish reason of a stream that
broke off, and estimated usage.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from forebay.core.errors import ForebayError, UpstreamError
from forebay.core.stream import DONE, event
from forebay.providers.mending.fields import Fields, decode

_LITELLMS: Final = ("provider_specific_fields", "citations")
_REASONS: Final = ("received_finish_reason", "intermittent_finish_reason")


def body_of(reply: Any) -> bytes:  # noqa: ANN401  # LiteLLM's types are not there to be checked
    """A whole reply as JSON, without a usage that says nothing."""
    fields = decode(reply.model_dump_json(exclude_none=True))
    usage = fields.get("usage")
    if isinstance(usage, dict) and not any(usage.get(name) for name in ("prompt_tokens", "total_tokens")):
        del fields["usage"]
    for choice in fields.get("choices") or ():
        choice.setdefault("logprobs", None)
    _clean(fields, "message")
    return msgspec.json.encode(fields)


class Source:
    """A chat's stream of LiteLLM's as an event stream; ``meaning`` puts what it raises into Forebay's terms."""

    def __init__(self, stream: Any, provider: str, meaning: Callable[[Exception], ForebayError]) -> None:  # noqa: ANN401
        self._stream = stream
        self._provider = provider
        self._meaning = meaning
        self._said = False
        self._ended = False

    async def chunk(self) -> bytes:
        """The next piece, empty after the last one.

        Raises:
            ForebayError: LiteLLM failed, or the upstream ended before the answer was whole.
        """
        if self._ended:
            return b""
        try:
            found = await anext(self._stream)
        except StopAsyncIteration:
            return self._end()
        except Exception as error:  # whatever a library fails with is its provider's failure
            raise self._meaning(error) from error
        return event(self._told(found))

    def close(self) -> None:
        """`aclose` does it."""

    def abandon(self) -> None:
        """`aclose` does it."""

    async def aclose(self) -> None:
        """Cancel what is behind the stream."""
        self._ended = True
        await self._stream.aclose()

    def _told(self, chunk: Any) -> bytes:  # noqa: ANN401
        fields = decode(chunk.model_dump_json(exclude_none=True))
        if "usage" in fields and not self._has_counted():
            del fields["usage"]
        _clean(fields, "delta")
        self._said = self._said or any(choice.get("delta") for choice in fields.get("choices") or ())
        return msgspec.json.encode(fields)

    def _has_counted(self) -> bool:
        """Whether the upstream has told a usage; LiteLLM makes one up where it has not."""
        chunks = getattr(self._stream, "chunks", ())
        return any(getattr(each, "usage", None) or _hidden(each).get("usage") for each in chunks)

    def _end(self) -> bytes:
        self._ended = True
        if not any(getattr(self._stream, name, "none told") for name in _REASONS):
            raise UpstreamError(f"The provider '{self._provider}' ended its stream before the answer was whole.")
        if not self._said and not self._has_counted():
            raise UpstreamError(f"The provider '{self._provider}' gave an empty answer.")
        return DONE


def _hidden(chunk: Any) -> Fields:  # noqa: ANN401
    found: Fields = getattr(chunk, "_hidden_params", None) or {}
    return found


def _clean(fields: Fields, said: str) -> None:
    for choice in fields.get("choices") or ():
        for place in (choice, choice.get(said)):
            for name in _LITELLMS:
                if isinstance(place, dict) and not place.get(name, True):
                    del place[name]
    for name in _LITELLMS:
        if not fields.get(name, True):
            del fields[name]
