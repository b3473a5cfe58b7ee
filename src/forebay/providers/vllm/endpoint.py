"""One running vLLM: its address and key, whom OpenAI's operations go to, and what it can be asked besides."""

import contextlib
import os
from typing import Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import UpstreamError
from forebay.core.types import TimeOuts
from forebay.providers.failures import broken, refusal
from forebay.providers.openai import OK, OpenAIProvider, OpenAISettings
from forebay.providers.transport import Client, TransportError
from forebay.settings import Secret

HEALTH: Final = TimeOuts(connect=2.0, first_token=5.0, between_tokens=5.0, total=5.0)
METRICS: Final = TimeOuts(connect=2.0, first_token=5.0, between_tokens=2.0, total=5.0)
METRICS_BYTES: Final = 4 * 1024 * 1024
ADMINISTRATION: Final = TimeOuts(connect=5.0, first_token=300.0, between_tokens=60.0, total=300.0)
_REPLY_BYTES: Final = 1024 * 1024


class ServedModel(msgspec.Struct, frozen=True):
    """A row of ``GET /v1/models``; a Forebay's has ``operations``."""

    id: str
    parent: str | None = None
    operations: tuple[str, ...] | None = None


class _Listed(msgspec.Struct, frozen=True):
    data: list[ServedModel]


class Endpoint:
    """A vLLM at ``url`` (without ``/v1``), called ``name`` in errors; ``exact`` is Forebay's own engine, not a vLLM."""

    def __init__(self, name: str, url: str, key: Secret | None, *, exact: bool = False) -> None:
        self._name = name
        self._secrets = (key.reveal(),) if key else ()
        headers = {"authorization": f"Bearer {key.reveal()}"} if key else {}
        self._client = Client(url, headers={**headers, "content-type": "application/json"}, environ=os.environ)
        settings = OpenAISettings(base_url=f"{url}/v1", api_key=key, exact=exact)
        self.relay = OpenAIProvider(name, settings, msgspec.structs.replace(settings.row(), ours=exact))

    async def healthy(self) -> bool:
        """Whether it says so."""
        with contextlib.suppress(TransportError):
            response = await self._client.send(b"GET", b"/health", timeouts=HEALTH)
            response.abandon()
            return response.status == OK
        return False

    async def metrics(self) -> str:
        """Its metrics in Prometheus' text format.

        Raises:
            TransportError: it did not tell them in time, or too much.
            ForebayError: it refused.
        """
        response = await self._client.send(b"GET", b"/metrics", timeouts=METRICS)
        if response.status != OK:
            raise await refusal(response, self._name, self._secrets)
        return (await response.read(METRICS_BYTES)).decode("utf-8", "replace")

    async def models(self) -> list[ServedModel]:
        """What it serves; adapters have a parent.

        Raises:
            ForebayError: it refused, or did not answer.
        """
        body = await self._answered(b"GET", b"/v1/models", b"", HEALTH)
        try:
            return msgspec.json.decode(body, type=_Listed).data
        except MALFORMED:
            raise UpstreamError(f"The provider '{self._name}' does not say which models it has.") from None

    async def post(self, path: bytes, body: object) -> bytes:
        """Ask for something that may take a while, such as loading an adapter; what it says.

        Raises:
            ForebayError: it refused, or did not answer.
        """
        return await self._answered(b"POST", path, msgspec.json.encode(body), ADMINISTRATION)

    async def _answered(self, method: bytes, path: bytes, body: bytes, timeouts: TimeOuts) -> bytes:
        try:
            response = await self._client.send(method, path, body, timeouts=timeouts)
            if response.status != OK:
                raise await refusal(response, self._name, self._secrets)
            return await response.read(_REPLY_BYTES)
        except TransportError as error:
            raise broken(error, self._name) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self.relay.close()
