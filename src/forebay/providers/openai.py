"""The provider for everything that speaks OpenAI's API: requests and replies are relayed, not understood.

Of a request only ``model`` is changed, and for a stream the usage is asked for. Of a reply nothing is.
"""

import os
import time
from collections.abc import Mapping

import msgspec

from forebay.core.errors import UpstreamError
from forebay.core.stream import Primed
from forebay.core.types import Call, Deployment, Operation, Reply, Request, Stream, Whole
from forebay.plugins import ProviderPlugin
from forebay.providers.catalog import VENDORS, Vendor
from forebay.providers.failures import broken, refusal
from forebay.providers.relay import Relay, usage_of
from forebay.providers.transport import Client, Limits, Response, TransportError

REPLY_BYTES = 256 * 1024 * 1024
OK = 200

_PATHS = {operation: b"/" + operation.value.encode() for operation in Operation}
_RENAMED = {b"x-request-id": "x-upstream-request-id", b"openai-processing-ms": "openai-processing-ms"}
_JSON = "application/json"
_ASK_FOR_USAGE = msgspec.Raw(b'{"include_usage":true}')


class OpenAISettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenAI-shaped upstream: a ``vendor`` of the catalogue, or a ``base_url`` such as ``http://host:8000/v1``.

    ``usage_in_stream`` says whether the upstream takes ``stream_options``; by default the vendor's row knows.
    """

    base_url: str | None = None
    api_key: str | None = None
    vendor: str | None = None
    headers: dict[str, str] = {}
    max_connections: int = 4096
    usage_in_stream: bool | None = None

    def row(self) -> Vendor:
        """The vendor's row, with what is set here in its place.

        Raises:
            ValueError: there is no such vendor, or neither a vendor nor a base URL.
        """
        row = VENDORS.get(self.vendor or "")
        if self.vendor and row is None:
            raise ValueError(f"unknown vendor '{self.vendor}'; known are: {', '.join(sorted(VENDORS))}")
        if row is None and self.base_url is None:
            raise ValueError("needs a 'base_url', or a 'vendor' of the catalogue")
        row = row or Vendor("", "")
        changes: dict[str, object] = {}
        if self.base_url is not None:
            changes["base_url"] = self.base_url
        if self.usage_in_stream is not None:
            changes["usage_in_stream"] = self.usage_in_stream
        return msgspec.structs.replace(row, **changes)

    def __post_init__(self) -> None:
        self.row()


class OpenAIProvider:
    """One upstream and its connections."""

    operations = frozenset(Operation)

    def __init__(self, name: str, settings: OpenAISettings) -> None:
        self._name = name
        self._row = settings.row()
        headers = {"content-type": _JSON, "accept": f"{_JSON}, text/event-stream", **settings.headers}
        if settings.api_key:
            headers[self._row.key_header] = self._row.key_prefix + settings.api_key
        self._client = Client(
            self._row.base_url,
            headers=headers,
            limits=Limits(connections=settings.max_connections),
            environ=os.environ,
        )

    async def start(self) -> None:
        """Connections are opened when they are needed."""

    async def answer(self, call: Call, deployment: Deployment) -> Reply:
        """Relay ``call``.

        Raises:
            ForebayError: what the upstream said, in Forebay's terms, or that it said nothing.
        """
        trace, request = call.trace, call.request
        body = self._body(request, deployment.model)
        trace.provider_started = time.perf_counter()
        try:
            path = _PATHS[request.operation]
            response = await self._client.send(b"POST", path, body, timeouts=deployment.timeouts)
            if response.status != OK:
                raise await refusal(response, self._name)
            reply = await (self._stream(call, response) if request.stream else self._whole(call, response))
        except TransportError as error:
            raise broken(error, self._name) from None
        trace.provider_answered = time.perf_counter()
        return reply

    def failure(self) -> str | None:
        """An upstream is asked, not watched."""
        return None

    def gauges(self) -> Mapping[str, float]:
        """None of its own."""
        return {}

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _whole(self, call: Call, response: Response) -> Whole:
        body = await response.read(REPLY_BYTES)
        call.trace.usage = usage_of(body, self._name)
        return Whole(body, call.trace.usage, _kept(response))

    async def _stream(self, call: Call, response: Response) -> Stream:
        kind = response.header(b"content-type") or b""
        if b"json" in kind or b"html" in kind:
            usage_of(await response.read(REPLY_BYTES), self._name)  # an error in disguise says what it is
            raise UpstreamError(f"The provider '{self._name}' did not stream its answer.")
        relay = Relay(response, self._name, call.trace, unasked=not call.request.include_usage)
        return Stream(await Primed.of(relay.events()), _kept(response))

    def _body(self, request: Request, model: str) -> bytes:
        """The client's own bytes, but for the model's name and, in a stream, the wish for its usage."""
        ask = request.stream and not request.include_usage and self._row.usage_in_stream
        if model == request.model and not ask:
            return request.body
        fields = msgspec.json.decode(request.body, type=dict[str, msgspec.Raw])
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
        if ask:
            fields["stream_options"] = _ASK_FOR_USAGE
        return msgspec.json.encode(fields)


def _kept(response: Response) -> tuple[tuple[str, str], ...]:
    """Headers that a client may want to see."""
    kept = []
    for name, value in response.headers.items():
        lower = name.lower()
        if lower in _RENAMED:
            kept.append((_RENAMED[lower], value.decode("latin-1")))
        elif lower.startswith(b"x-ratelimit-"):
            kept.append((lower.decode("latin-1"), value.decode("latin-1")))
    return tuple(kept)


plugin = ProviderPlugin(settings=OpenAISettings, build=OpenAIProvider)
