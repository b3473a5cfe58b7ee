"""Asks an OpenAI-compatible server: for answers, embeddings, and a judge's word."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay.core.types import TimeOuts
from forebay.providers.transport import BaseUrl, Client, TransportError

MOST_BYTES: Final = 64 * 1024 * 1024
OK: Final = 200


class AskingError(Exception):
    """There is no answer; the message says why."""


class Answer(msgspec.Struct, frozen=True):
    """The text of an answer, and what it took: tokens, and the dollars that the server told (empty: none)."""

    text: str
    tokens: int = 0
    cost: str = ""
    prompt: str = ""


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Usage(msgspec.Struct):
    total_tokens: int = 0


class _Chat(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Embedding(msgspec.Struct):
    embedding: list[float]


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]


class Server:
    """The server at ``url``, asked as whoever holds ``key``; an answer may take ``seconds``.

    Raises:
        UnsendableError: the URL, or the key, cannot be.
    """

    def __init__(self, url: str, key: str | None, seconds: float) -> None:
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        self._client = Client(_based(url), headers=headers, environ=os.environ)
        self._timeouts = TimeOuts(10.0, seconds, seconds, seconds)

    async def chat(self, body: Mapping[str, Any]) -> Answer:
        """The answer to a chat.

        Raises:
            AskingError: there is none.
        """
        found, headers = await self._ask(b"/chat/completions", body, _Chat)
        if not found.choices:
            raise AskingError("the server answered without a choice")
        tokens = found.usage.total_tokens if found.usage else 0
        cost, prompt = (headers.get(name, b"").decode("latin-1") for name in (b"x-forebay-cost", b"x-forebay-prompt"))
        return Answer(found.choices[0].message.content or "", tokens, cost, prompt)

    async def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """The embeddings of ``texts``.

        Raises:
            AskingError: there are none.
        """
        found, _ = await self._ask(b"/embeddings", {"model": model, "input": list(texts)}, _Embeddings)
        if len(found.data) != len(texts):
            raise AskingError("the server answered with another number of embeddings")
        return [each.embedding for each in found.data]

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _ask(self, path: bytes, body: Mapping[str, Any], shape: type[Any]) -> tuple[Any, Mapping[bytes, bytes]]:
        try:
            response = await self._client.send(b"POST", path, msgspec.json.encode(body), timeouts=self._timeouts)
            data = await response.read(MOST_BYTES)
        except TransportError as error:
            raise AskingError(f"no answer: {error}") from None
        if response.status != OK:
            raise AskingError(f"status {response.status}: {_message(data)}")
        try:
            return msgspec.json.decode(data, type=shape), {
                name.lower(): value for name, value in response.headers.items()
            }
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AskingError(f"the answer cannot be read: {error}") from None


def _based(url: str) -> str:
    """``url`` as what stands before ``/chat/completions``: without a path it is ``/v1``."""
    text = url if "://" in url or url.startswith("unix:") else f"http://{url}"
    parts = BaseUrl.of(text)
    return text if parts.prefix or parts.query or parts.socket else f"{text.rstrip('/')}/v1"


def _message(data: bytes) -> str:
    try:
        return str(msgspec.json.decode(data)["error"]["message"])[:500]
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError):
        return data[:200].decode(errors="replace")
