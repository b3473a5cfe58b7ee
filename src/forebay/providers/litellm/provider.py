"""Asks LiteLLM, keeps the time-outs, and sees to it that a client that leaves ends what was begun for it."""

import functools
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

from forebay.core.errors import ForebayError
from forebay.core.patience import in_time
from forebay.core.stream import Primed
from forebay.core.types import Call, Deployment, Event, Operation, Reply, Stream, Whole
from forebay.plugins import Progress, ProviderPlugin
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.litellm.failures import meaning_of
from forebay.providers.litellm.library import Library, check_installed
from forebay.providers.litellm.request import Rules, full_name
from forebay.providers.litellm.settings import LiteLLMSettings
from forebay.providers.litellm.source import Source, body_of
from forebay.providers.mending.fields import REASONS
from forebay.providers.mending.stream import AsItCame, Mender, Mending
from forebay.providers.mending.whole import mended
from forebay.providers.relay import Relay, Terms, usage_of

OPERATIONS: Final = frozenset({Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING})
_USAGE: Final = {"include_usage": True}
_NO_SERVERS: Final = {"_skip_mcp_handler": True}
"""Tools are functions only, so the part of LiteLLM that asks servers for some need not be there."""


class LiteLLMProvider:
    """One of LiteLLM's providers."""

    def __init__(self, name: str, settings: LiteLLMSettings, library: Library) -> None:
        self._name = name
        self._settings = settings
        self._library = library
        self._rules = Rules(settings.drop_params, settings.links)
        self._own = settings.own()
        self._secrets = settings.hidden()
        self._reasons = FinishReasons(REASONS)
        self._started = False

    @property
    def operations(self) -> frozenset[Operation]:
        """Whatever LiteLLM has a function for; a provider of its that cannot do one says so when it is asked."""
        return OPERATIONS

    async def start(self) -> None:
        """Import LiteLLM, beside the event loop.

        Raises:
            PreparationError: it is not installed.
        """
        await self._library.enter()
        self._started = True

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Ask.

        Raises:
            ForebayError: the call may not pass, what the provider said, or that it did not say it in time.
        """
        call.trace.provider_started = time.perf_counter()
        parameters = self._parameters(call, deployment)
        asking = self._stream if call.request.stream else self._whole
        answering = asking(call, deployment, parameters)
        reply = await in_time(answering, deployment.timeouts, stream=call.request.stream)
        call.trace.provider_answered = time.perf_counter()
        return reply

    def failure(self) -> str | None:
        """A provider is asked, not watched."""
        return None

    def gauges(self) -> Mapping[str, float]:
        """How many finish reasons were none of OpenAI's, nor known from other vendors."""
        return {"unknown_finish_reasons_total": float(self._reasons.unknown.total())}

    async def close(self) -> None:
        """Leave LiteLLM."""
        if self._started:
            self._started = False
            await self._library.leave()

    def _parameters(self, call: Call, deployment: Deployment) -> dict[str, Any]:
        """What the configuration says counts last: nothing in a request can change it."""
        asked = self._rules.read(call.request)
        own = {**self._own, "model": full_name(self._settings.provider, deployment.model)}
        if call.request.operation is Operation.CHAT:
            own |= _NO_SERVERS
        if call.request.stream:
            own |= {"stream": True, "stream_options": _USAGE}
        return {**self._settings.params, **asked, **own, "timeout": deployment.timeouts.total}

    async def _asked(self, call: Call, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401  # LiteLLM's types
        try:
            return await self._library.ask(call.request.operation, parameters)
        except Exception as error:  # whatever a library fails with is its provider's failure
            raise self._meaning(error) from error

    def _meaning(self, error: Exception) -> ForebayError:
        return meaning_of(error, self._name, self._secrets)

    async def _whole(self, call: Call, deployment: Deployment, parameters: Mapping[str, Any]) -> Whole:
        body = body_of(await self._asked(call, parameters))
        call.trace.usage = usage_of(body, self._name, self._secrets)
        if call.request.operation is Operation.CHAT:
            body = mended(body, deployment.model, self._reasons)
        return Whole(body, call.trace.usage)

    async def _stream(self, call: Call, deployment: Deployment, parameters: Mapping[str, Any]) -> Stream:
        source = Source(await self._asked(call, parameters), self._name, self._meaning)
        wanted = call.request.include_usage
        choices = parameters.get("n") or 1
        terms = Terms(choices, not wanted, deployment.timeouts.first_token, self._secrets)
        mender: Mender = AsItCame()
        if call.request.operation is Operation.CHAT:
            mender = Mending(deployment.model, self._reasons, asked=wanted)
        relay = Relay(source, self._name, call.trace, terms, mender)
        return Stream(await Primed.of(_relayed(relay, source)))


async def _relayed(relay: Relay, source: Source) -> AsyncGenerator[Event, None]:
    try:
        async with aclosing(relay.events()) as events:
            async for event in events:
                yield event
    finally:
        await source.aclose()


def prepare(_settings: LiteLLMSettings, _progress: Progress) -> None:
    """Tell before anything listens that LiteLLM is not there.

    Raises:
        PreparationError: it is not.
    """
    check_installed()


@functools.cache
def _library() -> Library:
    """One for all providers of a process: so is LiteLLM's module."""
    return Library()


def build(name: str, settings: LiteLLMSettings) -> LiteLLMProvider:
    """A provider that asks LiteLLM."""
    return LiteLLMProvider(name, settings, _library())


plugin = ProviderPlugin(settings=LiteLLMSettings, build=build, prepare=prepare)
