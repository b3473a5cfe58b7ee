"""The provider kind ``tgi``."""

from collections.abc import Mapping
from typing import Any

import msgspec

from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.chat import Chat, Named
from forebay.providers.dialects.dialect import Exchange, Failure, Plain
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.tgi import chat, completed, generate
from forebay.providers.dialects.tgi.adapters import AdaptedProvider, adapter_of
from forebay.providers.dialects.tgi.failing import failure
from forebay.providers.dialects.tgi.generated import REASONS, GeneratedReader
from forebay.providers.dialects.tgi.prompt import Prompter
from forebay.providers.dialects.tgi.settings import TGISettings

GENERATE, GENERATE_STREAM, CHAT = b"/generate", b"/generate_stream", b"/v1/chat/completions"
BASE = "tgi"
"""The name of the model without an adapter."""

Fields = dict[str, Any]


class TGIDialect(Plain):
    """What both APIs share."""

    def __init__(self, settings: TGISettings, reasons: Mapping[str, str], translated: frozenset[str]) -> None:
        super().__init__(reasons)
        self.adapters: Mapping[str, str] = settings.adapters
        self.max_tokens = settings.max_tokens
        self.parameters = Parameters(translated, drop=settings.drop_params)

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:  # noqa: ARG002  # the port's
        """A 429 is about the server's own slots."""
        return failure(status, body)


class NativeDialect(TGIDialect):
    """``/generate`` and ``/generate_stream``; the prompt is made here."""

    def __init__(self, settings: TGISettings, translated: frozenset[str] = generate.TRANSLATED) -> None:
        super().__init__(settings, REASONS, translated)
        self._prompter = Prompter.of(settings.chat_template or "")

    def chat(self, call: Call, model: str) -> Exchange:
        """``POST /generate`` or ``/generate_stream``."""
        adapter = adapter_of(model, self.adapters)
        body, asked = generate.generate_request(call.request, self.max_tokens, self.parameters, self._prompter)
        body["parameters"] |= self.own(asked, adapter)
        path = GENERATE_STREAM if call.request.stream else GENERATE
        return Exchange(path, msgspec.json.encode(body), GeneratedReader(body["parameters"].get("stop", ())))

    def own(self, asked: Chat, adapter: str | None) -> Fields:
        """The parameters that each server has its own way with."""
        found: Fields = {} if adapter is None else {"adapter_id": adapter}
        if schema := generate.schema_of(asked, self.parameters):
            found["grammar"] = {"type": "json", "value": schema}
        return found


class ChatDialect(TGIDialect):
    """``/v1/chat/completions``; the server makes the prompt."""

    def __init__(self, settings: TGISettings) -> None:
        super().__init__(settings, completed.REASONS, chat.TRANSLATED | {"logprobs", "top_logprobs"})

    def chat(self, call: Call, model: str) -> Exchange:
        """``POST /v1/chat/completions``."""
        adapter = adapter_of(model, self.adapters)
        body, asked = chat.chat_request(call.request, self.max_tokens, self.parameters, chat.content_with_images)
        body["model"] = adapter or BASE
        body |= self._own(asked)
        if call.request.stream:
            body["stream_options"] = {"include_usage": True}
        return Exchange(CHAT, msgspec.json.encode(body), completed.CompletedReader(body.get("stop", ())))

    def _own(self, asked: Chat) -> Fields:
        found: Fields = {}
        if asked.logprobs:
            found["logprobs"] = True
            found["top_logprobs"] = min(asked.top_logprobs or 0, 5)
        if tools := chat.offered(asked):
            named = asked.choice
            found["tools"] = [chat.tool_fields(tool) for tool in tools]
            found["tool_choice"] = named.name if isinstance(named, Named) else named or "auto"
        if schema := generate.schema_of(asked, self.parameters):
            found["response_format"] = {"type": "json", "value": schema}
        return found


def headers_of(settings: TGISettings) -> dict[str, str]:
    """The key, if there is one: hosted endpoints and proxies want one."""
    headers = {"accept": "application/json, text/event-stream"}
    if settings.api_key:
        headers["authorization"] = f"Bearer {settings.api_key.reveal()}"
    return headers


def build(name: str, settings: TGISettings) -> AdaptedProvider:
    """A provider that asks a TGI."""
    dialect = NativeDialect(settings) if settings.api == "native" else ChatDialect(settings)
    return AdaptedProvider(name, dialect, settings, headers_of(settings), adapters=tuple(settings.adapters))


plugin = ProviderPlugin(settings=TGISettings, build=build)
