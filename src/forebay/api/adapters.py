"""``POST /v1/load_lora_adapter`` and ``/v1/unload_lora_adapter``: change at run time which LoRA adapters there are.

Source: vLLM's documentation, "Dynamically serving LoRA adapters"; ``base_model_name`` says which model is meant, since
a Forebay has several.
"""

from typing import Annotated

import msgspec

from forebay.api.http import TEXT_PLAIN, Receive, Scope, Send, header, require_json, send_body
from forebay.auth.trail import Trail
from forebay.core.adapters import AdapterSource
from forebay.core.decode import decode
from forebay.core.ports import Authenticator
from forebay.core.scopes import ADMIN, require
from forebay.core.types import ADAPTER_MARK, Principal
from forebay.gateway.adapters import AdapterManager

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class LoadBody(msgspec.Struct, frozen=True):
    """What to load; ``lora_path`` is by default the adapter's own name."""

    lora_name: Name
    lora_path: Name | None = None
    base_model_name: str | None = None
    load_inplace: bool = False


class UnloadBody(msgspec.Struct, frozen=True):
    """What to unload."""

    lora_name: Name
    base_model_name: str | None = None


class AdapterEndpoints:
    """Both endpoints; ``trail`` tells who changed what."""

    def __init__(self, adapters: AdapterManager, authenticator: Authenticator, trail: Trail) -> None:
        self._adapters = adapters
        self._authenticator = authenticator
        self._trail = trail

    async def load(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Load an adapter; it can be asked for once this is answered."""
        principal, body = await self._read(scope, receive)
        asked = decode(body, LoadBody)
        path = asked.lora_path or asked.lora_name.rpartition(ADAPTER_MARK)[2]
        source = AdapterSource(asked.lora_name, path, asked.load_inplace)
        await self._adapters.load(principal, source, asked.base_model_name)
        await self._trail.note(principal, "adapter.load", asked.lora_name, model=asked.base_model_name, path=path)
        await _say(send, f"Success: LoRA adapter '{asked.lora_name}' added successfully.", request_id)

    async def unload(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Unload an adapter, once nobody uses it any more."""
        principal, body = await self._read(scope, receive)
        asked = decode(body, UnloadBody)
        await self._adapters.unload(principal, asked.lora_name, asked.base_model_name)
        await self._trail.note(principal, "adapter.unload", asked.lora_name, model=asked.base_model_name)
        await _say(send, f"Success: LoRA adapter '{asked.lora_name}' removed successfully.", request_id)

    async def _read(self, scope: Scope, receive: Receive) -> tuple[Principal, bytes]:
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        require(principal, ADMIN)
        require_json(header(scope, b"content-type"))
        return principal, (await receive())["body"]


async def _say(send: Send, text: str, request_id: str) -> None:
    await send_body(send, 200, [TEXT_PLAIN, (b"x-request-id", request_id.encode())], text.encode())
