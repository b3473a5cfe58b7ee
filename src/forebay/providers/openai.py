"""The provider for everything that speaks OpenAI's API: requests and replies are relayed, not understood.

Of a request only ``model`` is changed, and for a stream the usage is asked for. Of a reply nothing is, where the
upstream is exact; a chat's reply of another one is mended.
"""

import asyncio
import functools
import os
import time
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import InvalidRequestError, UpstreamError
from forebay.core.marks import HEADER as MARK
from forebay.core.operations import UNDERSTOOD
from forebay.core.stream import Primed
from forebay.core.types import Call, Deployment, Operation, Reply, Request, Stream, TimeOuts, Whole
from forebay.plugins import ProviderPlugin
from forebay.providers.catalog import UNKNOWN, VENDORS, Vendor
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.failures import broken, refusal
from forebay.providers.fitting import fit
from forebay.providers.mending.fields import REASONS
from forebay.providers.mending.stream import AsItCame, Mender, Mending
from forebay.providers.mending.whole import mended
from forebay.providers.passing import Passing, outgoing, refused
from forebay.providers.relay import Relay, Terms, usage_of
from forebay.providers.transport import BaseUrl, Client, Limits, Response, TransportError
from forebay.settings import Secret

REPLY_BYTES = 256 * 1024 * 1024
LARGE_BYTES = 1024 * 1024  # a longer form is written beside the event loop
OK = 200
SUCCESSES = frozenset({OK, 201, 202})

_JSON = "application/json"
_MIN_SECRET = 6  # replacing anything shorter in a message would only garble it

_Fields = dict[str, msgspec.Raw]
_fields = msgspec.json.Decoder(_Fields)
_TRUE = msgspec.Raw(b"true")
_NULL = msgspec.Raw(b"null")


class OpenAISettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenAI-shaped upstream: a ``vendor`` of the catalogue, or a ``base_url`` such as ``http://host:8000/v1``.

    With neither it is OpenAI itself.

    ``usage_in_stream`` says whether the upstream takes ``stream_options``; by default the vendor's row knows.
    ``exact`` says that its replies are OpenAI's in every detail; by default the row knows, and at another address than
    the row's they are not.
    """

    base_url: str | None = None
    api_key: Secret | None = None
    vendor: str | None = None
    headers: dict[str, str] = {}
    max_connections: Annotated[int, msgspec.Meta(ge=1)] = 4096
    usage_in_stream: bool | None = None
    exact: bool | None = None

    def row(self) -> Vendor:
        """The vendor's row, with what is set here in its place.

        Raises:
            ValueError: there is no such vendor, or it has no address of its own.
        """
        vendor = self.vendor or ("" if self.base_url else "openai")
        if vendor and vendor not in VENDORS:
            raise ValueError(f"unknown vendor '{vendor}'; known are: {', '.join(sorted(VENDORS))}")
        row = VENDORS.get(vendor, Vendor("", "", operations=UNKNOWN))
        if not (self.base_url or row.base_url):
            raise ValueError(f"the vendor '{vendor}' has no address of its own: give a 'base_url'")
        changes: dict[str, object] = {}
        if self.base_url is not None:
            changes["base_url"] = self.base_url
            changes["exact"] = row.exact and (not row.base_url or self.base_url.rstrip("/") == row.base_url)
        if self.usage_in_stream is not None:
            changes["usage_in_stream"] = self.usage_in_stream
        if self.exact is not None:
            changes["exact"] = self.exact
        return msgspec.structs.replace(row, **changes)

    def __post_init__(self) -> None:
        BaseUrl.of(self.row().base_url)


class OpenAIProvider:
    """One upstream and its connections."""

    def __init__(self, name: str, settings: OpenAISettings, row: Vendor | None = None) -> None:
        self._name = name
        self._row = row or settings.row()
        self._reasons = FinishReasons(REASONS)
        key = settings.api_key.reveal() if settings.api_key else ""
        headers = {"content-type": _JSON, "accept": f"{_JSON}, text/event-stream", **settings.headers}
        if key:
            headers[self._row.key_header] = self._row.key_prefix + key
        self._secrets = tuple(each for each in (key, *settings.headers.values()) if len(each) >= _MIN_SECRET)
        self._client = Client(
            self._row.base_url,
            headers=headers,
            limits=Limits(connections=settings.max_connections),
            environ=os.environ,
        )

    @property
    def operations(self) -> frozenset[Operation]:
        """What the vendor offers; everything, if it is not one of the catalogue."""
        return self._row.operations

    async def start(self) -> None:
        """Connections are opened when they are needed."""

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        """Relay ``call``.

        Raises:
            ForebayError: what the upstream said, in Forebay's terms, or that it said nothing.
        """
        call.trace.provider_started = time.perf_counter()
        try:
            if call.request.operation in UNDERSTOOD:
                reply = await self._relayed(call, deployment)
            else:
                reply = await self._passed(call, deployment)
        except TransportError as error:
            raise broken(error, self._name) from error
        call.trace.provider_answered = time.perf_counter()
        return reply

    def failure(self) -> str | None:
        """An upstream is asked, not watched."""
        return None

    async def probe(self, path: str, seconds: float) -> str | None:
        """Ask the upstream for ``path``, which is below its base URL; what it says does not matter, only its status."""
        try:
            timeouts = TimeOuts(seconds, seconds, seconds, seconds)
            response = await self._client.send(b"GET", path.encode(), timeouts=timeouts)
            response.close()
        except TransportError as error:
            return f"{path} failed: {error}"
        return None if response.status == OK else f"{path} answered with status {response.status}"

    def gauges(self) -> Mapping[str, float]:
        """How many finish reasons were none of OpenAI's, nor known from other vendors."""
        if self._row.exact:
            return {}
        return {"unknown_finish_reasons_total": float(self._reasons.unknown.total())}

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _relayed(self, call: Call, deployment: Deployment) -> Reply:
        request = call.request
        fields = self._rewritten(request, deployment.model)
        path = _path(self._row.path, request.operation, deployment.model)
        body, carried = msgspec.json.encode(fields), call.trace.propagated
        response = await self._client.send(b"POST", path, body, headers=carried, timeouts=deployment.timeouts)
        if response.status != OK:
            raise await refusal(response, self._name, self._secrets)
        if request.stream:
            return await self._stream(call, response, fields, deployment)
        return await self._whole(call, response, deployment.model)

    async def _passed(self, call: Call, deployment: Deployment) -> Reply:
        request = call.request
        if request.form is not None and request.form.size > LARGE_BYTES:
            sent = await asyncio.to_thread(outgoing, request, deployment.model, self._row.path)
        else:
            sent = outgoing(request, deployment.model, self._row.path)
        timeouts, headers = deployment.timeouts, (*sent.headers, *call.trace.propagated)
        response = await self._client.send(sent.method, sent.path, sent.body, headers=headers, timeouts=timeouts)
        if response.status not in SUCCESSES:
            raise await refused(response, request, self._name, self._secrets)
        return await Passing(call, response, self._name, self._secrets).reply(self._kept(response))

    def _is_mended(self, operation: Operation) -> bool:
        return operation is Operation.CHAT and not self._row.exact

    async def _whole(self, call: Call, response: Response, model: str) -> Whole:
        body = await response.read(REPLY_BYTES)
        call.trace.usage = usage_of(body, self._name, self._secrets)
        if self._is_mended(call.request.operation):
            body = mended(body, model, self._reasons)
        return Whole(body, call.trace.usage, self._kept(response))

    async def _stream(self, call: Call, response: Response, fields: _Fields, deployment: Deployment) -> Stream:
        kind = (response.header(b"content-type") or b"").lower()
        if b"json" in kind or b"html" in kind:
            usage_of(await response.read(REPLY_BYTES), self._name, self._secrets)  # a disguised error says what it is
            raise UpstreamError(f"The provider '{self._name}' did not stream its answer.")
        asked = call.request.include_usage
        terms = Terms(_number(fields.get("n")), not asked, deployment.timeouts.first_token, self._secrets)
        mender: Mender = AsItCame()
        if self._is_mended(call.request.operation):
            mender = Mending(deployment.model, self._reasons, asked=asked)
        relay = Relay(response, self._name, call.trace, terms, mender)
        return Stream(await Primed.of(relay.events()), self._kept(response))

    def _kept(self, response: Response) -> tuple[tuple[str, str], ...]:
        """Headers that a client may want to see."""
        headers = response.headers
        found = [(kept, headers[name].strip().decode("latin-1")) for name in headers if (kept := _kept_name(name))]
        # Only one of us knows what it has marked.
        return tuple(each for each in found if each[0] != MARK or self._row.ours)

    def _rewritten(self, request: Request, model: str) -> _Fields:
        """The client's own fields, but for the model's name and, in a stream, the wish for its usage.

        The body is always written anew, even where nothing changes: of a name that stands there twice, the upstream
        may take the other one than we did, and answer with a model that this client must not use.
        """
        try:
            fields = _fields.decode(request.body)
        except MALFORMED:
            raise InvalidRequestError("The body is not a JSON object.") from None
        fields["model"] = _encoded(model)
        fields.pop("adapter_id", None)  # it is part of the model's name by now
        if not self._row.ours:
            fields.pop("watermark", None)  # it means nothing there
        if request.translated:
            fit(fields, self._row)
        if request.stream and not self._row.usage_in_stream:
            fields.pop("stream_options", None)  # it would be refused
        elif request.stream and not request.include_usage:
            fields["stream_options"] = _asking_for_usage(fields.get("stream_options", _NULL))
        return fields


def _asking_for_usage(options: msgspec.Raw) -> msgspec.Raw:
    try:
        fields = _fields.decode(options)
    except MALFORMED:  # null
        fields = {}
    fields["include_usage"] = _TRUE
    return msgspec.Raw(msgspec.json.encode(fields))


def _number(n: msgspec.Raw | None) -> int:
    """How many answers are asked for."""
    return int(bytes(n)) if n is not None and bytes(n).isdigit() else 1


@functools.lru_cache(256)
def _path(template: str, operation: Operation, model: str) -> bytes:
    return template.format(operation=operation.value, model=quote(model, safe="")).encode()


@functools.lru_cache(256)
def _encoded(model: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(model))


@functools.lru_cache(1024)
def _kept_name(name: bytes) -> str:
    """As what an upstream's header is told to the client; empty if it is not."""
    lower = name.lower().decode("latin-1")
    if lower == "x-request-id":
        return "x-upstream-request-id"
    return lower if lower in {"openai-processing-ms", MARK} or lower.startswith("x-ratelimit-") else ""


def vendor(settings: OpenAISettings) -> str:
    """Whose prices hold: at an address of one's own, somebody else may send the bill."""
    return "" if settings.base_url else settings.vendor or "openai"


plugin = ProviderPlugin(settings=OpenAISettings, build=OpenAIProvider, vendor=vendor)
