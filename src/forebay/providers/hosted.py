"""What another process that is a Forebay itself answers: the one that holds a host's engine, or one elsewhere.

A worker asks its host's over a socket (docs/adr/0005), a gateway an engine with an address of its own
(docs/adr/0032). Its ``/ready`` says which of its providers cannot answer.
"""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from forebay.core.adapters import AdapterSource
from forebay.core.decode import MALFORMED
from forebay.core.errors import UnavailableError
from forebay.core.marks import Tokens
from forebay.core.types import Call, Deployment, Operation, Reply, TimeOuts
from forebay.plugins import ProviderPlugin
from forebay.providers.offers import EVERYTHING, Offers
from forebay.providers.transport import Client, TransportError
from forebay.providers.vllm.adapters import RemoteAdapters
from forebay.providers.vllm.endpoint import Endpoint
from forebay.settings import Secret, WatermarkSettings

LOOK_EVERY: Final = 1.0
LOOK: Final = TimeOuts(connect=1.0, first_token=2.0, between_tokens=2.0, total=2.0)
READING: Final = TimeOuts(connect=1.0, first_token=60.0, between_tokens=10.0, total=60.0)
AS_JSON: Final = (b"content-type", b"application/json")
_BODY_BYTES: Final = 64 * 1024
_TOKENS_BYTES: Final = 64 * 1024 * 1024
_GONE: Final = "the process that it runs in does not answer"


class HostedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``socket`` is the path of the Unix socket on which the host's process listens.

    ``stands_for`` tells what runs there: the socket is another one after each start, and the models are not.
    ``watermark`` is how it marks; whoever examines a text in a worker has to know.
    """

    socket: str
    stands_for: str = ""
    watermark: WatermarkSettings | None = None


class ForebaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Forebay at ``base_url``, such as ``http://engine:8081/v1``, and the key by which it knows this one.

    ``watermark`` is how its models are marked, for whoever examines texts here.
    """

    base_url: Annotated[str, Meta(pattern=r"^https?://[^/\s]+/v1/?$")]
    api_key: Secret | None = None
    watermark: WatermarkSettings | None = None


class Readiness(msgspec.Struct, frozen=True):
    """What ``/ready`` says: why some providers cannot answer."""

    providers: Mapping[str, str] = {}


class Read(msgspec.Struct, frozen=True):
    """What ``/tokenize`` says."""

    tokens: list[int]
    token_strs: list[str]
    vocab_size: int


class HostedProvider:
    """What the Forebay at ``url`` answers with its models; ``twin`` is the provider there that this one stands for.

    Without a twin it stands for all of them, and is well as long as that process answers.
    """

    def __init__(self, name: str, url: str, key: Secret | None = None, twin: str | None = None) -> None:
        self._name = name
        self._twin = twin
        headers = {"authorization": f"Bearer {key.reveal()}"} if key else {}
        self._client = Client(url, headers=headers, environ=os.environ)
        self._endpoint = Endpoint(name, url, key, exact=True)
        self._adapters = RemoteAdapters()
        self._offers = Offers(self._endpoint.models)
        self._failure: str | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def operations(self) -> frozenset[Operation]:
        """Everything that a model does: what it cannot do it says itself."""
        return EVERYTHING

    def operations_of(self, model: str, /) -> frozenset[Operation]:
        """What can be asked of one of its models, as it says itself."""
        return self._offers.of(model)

    @property
    def marks(self) -> bool:
        """It says itself whether it can."""
        return True

    async def start(self) -> None:
        """Look how it is, and go on looking."""
        await self._look()
        self._watching = asyncio.create_task(self._watch(), name=f"watch over {self._name}")

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Relay ``call``.

        Raises:
            ForebayError: what the host's process said, or that it said nothing.
        """
        if deployment.adapter:
            name = await self._adapters.ready(self._endpoint, deployment.model, deployment.adapter)
            deployment = msgspec.structs.replace(deployment, model=name)
        return await self._endpoint.relay.answer(call, deployment)

    async def tokens(self, deployment: Deployment, text: str, /) -> Tokens:
        """The tokens of ``text``, as the host's process reads it.

        Raises:
            UnavailableError: it does not say.
        """
        asked = msgspec.json.encode({"model": deployment.model, "prompt": text, "return_token_strs": True})
        try:
            response = await self._client.send(b"POST", b"/tokenize", asked, headers=(AS_JSON,), timeouts=READING)
            found = msgspec.json.decode(await response.read(_TOKENS_BYTES), type=Read)
        except (TransportError, *MALFORMED):
            raise UnavailableError(f"The tokenizer of '{deployment.model}' cannot be asked: try again.") from None
        return Tokens(found.tokens, found.token_strs, found.vocab_size)

    async def adapters(self, deployment: Deployment, /) -> Sequence[str]:
        """The LoRA adapters that the host's process lists for the model.

        Raises:
            ForebayError: it said nothing.
        """
        return await self._adapters.names(self._endpoint, deployment.model)

    async def load_adapter(self, deployment: Deployment, source: AdapterSource, /) -> None:
        """Have the host's process load an adapter.

        Raises:
            ForebayError: what it said.
        """
        await self._adapters.load(self._endpoint, deployment.model, source)

    async def unload_adapter(self, deployment: Deployment, name: str, /) -> None:
        """Have the host's process unload an adapter.

        Raises:
            ForebayError: what it said.
        """
        await self._adapters.unload(self._endpoint, deployment.model, name)

    def failure(self) -> str | None:
        """Why it could not answer when it was last looked at."""
        return self._failure

    def gauges(self) -> Mapping[str, float]:
        """None: the host's process tells them."""
        return {}

    async def close(self) -> None:
        """Stop looking, and close all connections."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._client.aclose()
        await self._endpoint.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._look()

    async def _look(self) -> None:
        try:
            response = await self._client.send(b"GET", b"/ready", timeouts=LOOK)
            found = msgspec.json.decode(await response.read(_BODY_BYTES), type=Readiness)
            self._failure = found.providers.get(self._twin) if self._twin else None
        except (TransportError, *MALFORMED):
            self._failure = _GONE
            self._offers.expire()
        else:
            await self._offers.learn()


def _of_host(name: str, settings: HostedSettings) -> HostedProvider:
    return HostedProvider(name, f"unix:{settings.socket}:", twin=name)


def _of_address(name: str, settings: ForebaySettings) -> HostedProvider:
    return HostedProvider(name, settings.base_url.rstrip("/").removesuffix("/v1"), settings.api_key)


plugin = ProviderPlugin(settings=HostedSettings, build=_of_host, own=True)
elsewhere = ProviderPlugin(settings=ForebaySettings, build=_of_address)
