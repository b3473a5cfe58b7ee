"""The provider for every vendor with a dialect of its own: it asks in the vendor's words and answers in OpenAI's."""

import asyncio
import functools
import logging
import os
import time
from collections.abc import Mapping
from typing import Protocol

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import ForebayError, InvalidRequestError, UpstreamError
from forebay.core.stream import Primed
from forebay.core.types import Call, Deployment, Operation, Reply, Stream, Whole
from forebay.providers.dialects.chunks import Chunks
from forebay.providers.dialects.dialect import (
    CountingDialect,
    Dialect,
    EmbeddingDialect,
    Exchange,
    Headers,
    HeadReader,
    VendorError,
    operations,
)
from forebay.providers.dialects.settings import DialectSettings
from forebay.providers.dialects.translation import Terms, Translation
from forebay.providers.dialects.whole import Gatherer
from forebay.providers.failures import BODY_BYTES, Told, broken, kept_headers, meaning
from forebay.providers.transport import Client, Limits, Response, TransportError
from forebay.settings import Secret

REPLY_BYTES = 256 * 1024 * 1024
LARGE_BYTES = 1024 * 1024
OK = 200
_MIN_SECRET = 6  # replacing anything shorter in a message would only garble it

logger = logging.getLogger("forebay.providers")


class Credentials(Protocol):
    """What shows a vendor who asks, where that differs from request to request."""

    async def headers(self, path: bytes, body: bytes, /) -> Headers:
        """The headers for a ``POST`` of ``body`` to ``path`` (below the base URL).

        Raises:
            ForebayError: there are no credentials.
        """
        ...

    async def close(self) -> None:
        """Free what it holds."""
        ...


class DialectProvider:
    """One upstream, its dialect and its connections."""

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        settings: DialectSettings,
        headers: Mapping[str, str],
        credentials: Credentials | None = None,
    ) -> None:
        self._name = name
        self._dialect = dialect
        self._operations = operations(dialect)  # asked for every call, and a Protocol takes its time
        self._credentials = credentials
        values = [getattr(settings, field) for field in settings.__struct_fields__]
        secrets = [value.reveal() for value in values if isinstance(value, Secret)]
        self._secrets = tuple(each for each in (*secrets, *settings.headers.values()) if len(each) >= _MIN_SECRET)
        self._client = Client(
            settings.base_url,
            headers={"content-type": "application/json", **headers, **settings.headers},
            limits=Limits(connections=settings.max_connections),
            environ=os.environ,
        )

    @property
    def operations(self) -> frozenset[Operation]:
        """What the dialect has words for."""
        return self._operations

    async def start(self) -> None:
        """Connections are opened when they are needed."""

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        """Translate ``call``, ask, and translate the reply.

        Raises:
            ForebayError: the call cannot be translated, or what the upstream said, or that it said nothing.
        """
        call.trace.provider_started = time.perf_counter()
        try:
            if call.request.operation is Operation.EMBEDDING:
                reply: Reply = await self._embed(call, deployment)
            elif call.request.operation is Operation.COUNT:
                reply = await self._count(call, deployment)
            else:
                reply = await self._chat(call, deployment)
        except TransportError as error:
            raise broken(error, self._name) from error
        except VendorError as error:
            raise self._explained(error) from None
        except MALFORMED:
            raise UpstreamError(f"The provider '{self._name}' answered with something that is no answer.") from None
        call.trace.provider_answered = time.perf_counter()
        return reply

    def failure(self) -> str | None:
        """An upstream is asked, not watched."""
        return None

    def gauges(self) -> Mapping[str, float]:
        """How often it ended an answer for a reason that is in no document."""
        return {"unknown_finish_reasons_total": float(self._dialect.reasons.unknown.total())}

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        if self._credentials is not None:
            await self._credentials.close()

    async def _chat(self, call: Call, deployment: Deployment) -> Reply:
        exchange = await self._translated(call, deployment.model)
        response = await self._ask(
            exchange.path, exchange.body, (*exchange.headers, *call.trace.propagated), deployment
        )
        if isinstance(exchange.reader, HeadReader):
            exchange.reader.head(list(response.headers.items()))
        if call.request.stream:
            return await self._stream(call, deployment, exchange, response)
        return await self._whole(call, deployment, exchange, response)

    async def _translated(self, call: Call, model: str) -> Exchange:
        """The exchange for ``call``; a large one in a thread, for nobody else should wait while an image is checked."""
        try:
            if len(call.request.body) > LARGE_BYTES:
                return await asyncio.to_thread(self._dialect.chat, call, model)
            return self._dialect.chat(call, model)
        except RecursionError:
            raise InvalidRequestError("The request is nested too deeply.") from None

    async def _whole(self, call: Call, deployment: Deployment, exchange: Exchange, response: Response) -> Whole:
        answer = Gatherer(call.id, deployment.model, self._dialect.reasons)
        exchange.reader.whole(await response.read(REPLY_BYTES), answer)
        if not answer.complete:
            raise UpstreamError(f"The provider '{self._name}' gave an empty answer.")
        call.trace.usage = answer.usage
        return Whole(answer.body(), answer.usage, self._kept(response))

    async def _stream(self, call: Call, deployment: Deployment, exchange: Exchange, response: Response) -> Stream:
        kind = (response.header(b"content-type") or b"").lower()
        if kind.startswith((b"application/json", b"text/html")):
            body = await response.read(REPLY_BYTES)
            exchange.reader.whole(body, Gatherer("", "", self._dialect.reasons))  # an error says what it is
            raise UpstreamError(f"The provider '{self._name}' did not stream its answer.")
        chunks = Chunks(call.id, deployment.model, self._dialect.reasons, include_usage=call.request.include_usage)
        terms = Terms(self._name, call.trace, self._explained, exchange.choices, deployment.timeouts.first_token)
        framing = self._dialect.framing()
        translation = Translation(response, framing, exchange.reader, chunks, terms)
        return Stream(await Primed.of(translation.events()), self._kept(response))

    async def _embed(self, call: Call, deployment: Deployment) -> Whole:
        if not isinstance(self._dialect, EmbeddingDialect):
            raise UpstreamError(f"The provider '{self._name}' has no embeddings.")
        asked = self._dialect.embed(call, deployment.model)
        response = await self._ask(asked.path, asked.body, call.trace.propagated, deployment)
        body, call.trace.usage = asked.read(await response.read(REPLY_BYTES))
        return Whole(body, call.trace.usage, self._kept(response))

    async def _count(self, call: Call, deployment: Deployment) -> Whole:
        if not isinstance(self._dialect, CountingDialect):
            raise UpstreamError(f"The provider '{self._name}' counts no tokens.")
        asked = self._dialect.count(call, deployment.model)
        response = await self._ask(asked.path, asked.body, call.trace.propagated, deployment)
        tokens = asked.read(await response.read(BODY_BYTES))
        body = msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})
        return Whole(body, None, self._kept(response))

    async def _ask(self, path: bytes, body: bytes, headers: Headers, deployment: Deployment) -> Response:
        if self._credentials is not None:
            headers = [*headers, *await self._credentials.headers(path, body)]
        response = await self._client.send(b"POST", path, body, headers=headers, timeouts=deployment.timeouts)
        if response.status != OK:
            raise await self._refusal(response)
        return response

    async def _refusal(self, response: Response) -> ForebayError:
        try:
            body = await response.read(BODY_BYTES)
        except TransportError:
            body = b""  # the status says enough
        headers = {name.lower(): value for name, value in response.headers.items()}
        failure = self._dialect.failure(response.status, headers, body)
        error = self._explained(VendorError(failure.status, body))
        error.headers.update({**kept_headers(response), **failure.headers})
        return error

    def _explained(self, error: VendorError) -> ForebayError:
        told = Told.of(error.payload, self._secrets)
        logger.warning("%s failed with status %d: %s", self._name, error.status, told.message)
        return meaning(error.status, told, self._name)

    def _kept(self, response: Response) -> tuple[tuple[str, str], ...]:
        known, headers = self._dialect.kept_headers, response.headers
        names = [name for name in headers if _lower(name) in known]
        return tuple([(known[_lower(name)], headers[name].strip().decode("latin-1")) for name in names])


@functools.lru_cache(1024)
def _lower(name: bytes) -> bytes:
    return name.lower()
