"""The provider kind ``lorax``: TGI's APIs of an earlier day, and adapters that are loaded when they are asked for."""

from typing import Any

import msgspec

from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.chat import Chat, JsonFormat, Named
from forebay.providers.dialects.dialect import Exchange
from forebay.providers.dialects.tgi import chat, completed, generate
from forebay.providers.dialects.tgi.adapters import AdaptedProvider, adapter_of
from forebay.providers.dialects.tgi.dialect import CHAT, NativeDialect, TGIDialect, headers_of
from forebay.providers.dialects.tgi.prompt import plain_text
from forebay.providers.dialects.tgi.settings import LoraxSettings
from forebay.providers.dialects.tgi.typed import TypedCallReader

BASE = ""
"""The name of the model without an adapter."""

Fields = dict[str, Any]


class LoraxNativeDialect(NativeDialect):
    """``/generate`` with adapters; its schemas have a place of their own."""

    def __init__(self, settings: LoraxSettings) -> None:
        super().__init__(settings)
        self._settings = settings

    def own(self, asked: Chat, adapter: str | None) -> Fields:
        """The adapter, and the schema."""
        found = {} if adapter is None else {"adapter_id": adapter, **_source(self._settings)}
        if schema := generate.schema_of(asked, self.parameters):
            found["response_format"] = {"type": "json_object", "schema": schema}
        return found


class LoraxChatDialect(TGIDialect):
    """``/v1/chat/completions``; the model's name is that of an adapter."""

    def __init__(self, settings: LoraxSettings) -> None:
        translated = chat.TRANSLATED | {"presence_penalty", "top_k"}
        super().__init__(settings, completed.LORAX_REASONS, translated)
        self._settings = settings

    def chat(self, call: Call, model: str) -> Exchange:
        """``POST /v1/chat/completions``."""
        adapter = adapter_of(model, self.adapters)
        body, asked = chat.chat_request(call.request, self.max_tokens, self.parameters, plain_text)
        body["model"] = adapter or BASE
        body |= self._own(asked) | ({} if adapter is None else _source(self._settings))
        stops = body.setdefault("stop", [])  # without it the request is refused
        for message in body["messages"]:
            message.setdefault("content", "")
        typed = call.request.stream and "tools" in body
        reader = TypedCallReader(stops) if typed else completed.CompletedReader(stops)
        return Exchange(CHAT, msgspec.json.encode(body), reader)

    def _own(self, asked: Chat) -> Fields:
        found: Fields = {}
        if asked.presence_penalty:
            found["presence_penalty"] = asked.presence_penalty
        if asked.top_k:
            found["top_k"] = asked.top_k
        if tools := chat.offered(asked):
            named = tools[0].function.name if isinstance(asked.choice, Named) or len(tools) == 1 else None
            found["tools"] = [chat.tool_fields(tool) for tool in tools]
            # There is no 'required': with 'auto' it calls one of several, or says that none fits.
            found["tool_choice"] = named if named and asked.choice not in {None, "auto"} else "auto"
        if isinstance(asked.response_format, JsonFormat):
            found["response_format"] = {"type": "json_object"}
        elif schema := generate.schema_of(asked, self.parameters):
            found["response_format"] = {"type": "json_object", "schema": schema}
        return found


def _source(settings: LoraxSettings) -> Fields:
    found: Fields = {}
    if settings.adapter_source:
        found["adapter_source"] = settings.adapter_source
    if settings.adapter_token:
        found["api_token"] = settings.adapter_token.reveal()
    return found


def build(name: str, settings: LoraxSettings) -> AdaptedProvider:
    """A provider that asks a LoRAX."""
    dialect = LoraxNativeDialect(settings) if settings.api == "native" else LoraxChatDialect(settings)
    return AdaptedProvider(name, dialect, settings, headers_of(settings), adapters=tuple(settings.adapters))


plugin = ProviderPlugin(settings=LoraxSettings, build=build)
