"""vLLM's two endpoints for LoRA adapters, and adapters among the models, over HTTP."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest

from forebay.app import assemble
from forebay.settings import (
    AuthSettings,
    DeploymentSettings,
    KeySettings,
    LogSettings,
    ModelSettings,
    Secret,
    Settings,
)
from tests.api.conftest import WHOLE
from tests.support.scripted import ScriptedAdapters
from tests.support.serving import serving

KEYS = AuthSettings(
    keys=(
        KeySettings(Secret("sk-all"), "root"),
        KeySettings(Secret("sk-one"), "alice", models=("m:support",)),
        KeySettings(Secret("sk-base"), "bob", models=("m",)),
    )
)
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}


class Client:
    """Talks to a server around one model, ``m``, that takes adapters."""

    def __init__(self, http: aiohttp.ClientSession, url: str, provider: ScriptedAdapters) -> None:
        self.http = http
        self.url = url
        self.provider = provider

    async def post(self, path: str, key: str = "sk-all", **body: Any) -> tuple[int, str]:
        headers = {"authorization": f"Bearer {key}"}
        async with self.http.post(f"{self.url}/v1/{path}", json=body, headers=headers) as reply:
            return reply.status, await reply.text()

    async def models(self, key: str = "sk-all") -> list[dict[str, Any]]:
        async with self.http.get(f"{self.url}/v1/models", headers={"authorization": f"Bearer {key}"}) as reply:
            found: list[dict[str, Any]] = (await reply.json())["data"]
        return found

    @property
    def asked(self) -> list[str]:
        return [deployment.adapter for _, deployment in self.provider.calls]


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[Client]:
    provider = ScriptedAdapters(WHOLE)
    models = {"m": ModelSettings((DeploymentSettings("p"),))}
    settings = Settings(auth=KEYS, models=models, log=LogSettings(requests=False))
    async with serving(assemble(settings, {"p": provider})) as running, aiohttp.ClientSession() as http:
        yield Client(http, running.url, provider)


async def test_an_adapter_is_loaded_listed_asked_and_unloaded() -> None:
    async with served() as client:
        status, text = await client.post("load_lora_adapter", lora_name="support", lora_path="support-v2")
        assert (status, text) == (200, "Success: LoRA adapter 'support' added successfully.")
        assert client.provider.loaded == {"support": "support-v2"}
        assert [(each["id"], each.get("parent")) for each in await client.models()] == [
            ("m", None),
            ("m:support", "m"),
        ]
        await client.post("chat/completions", model="m:support", **CHAT)
        await client.post("chat/completions", model="m", adapter_id="support", **CHAT)
        await client.post("completions", model="m", adapter_id="support", prompt="Hello")
        await client.post("completions", model="m", adapter_id=None, prompt="Hello")
        assert client.asked == ["support", "support", "support", ""]
        status, text = await client.post("unload_lora_adapter", lora_name="support")
        assert (status, text) == (200, "Success: LoRA adapter 'support' removed successfully.")
        assert [each["id"] for each in await client.models()] == ["m"]


async def test_a_key_sees_and_asks_only_the_adapters_it_was_given() -> None:
    async with served() as client:
        for name in ("support", "secret"):
            await client.post("load_lora_adapter", lora_name=name)
        assert [each["id"] for each in await client.models("sk-one")] == ["m:support"]
        assert [each["id"] for each in await client.models("sk-base")] == ["m"]
        for key, model, fields in (
            ("sk-base", "m:support", {}),
            ("sk-base", "m", {"adapter_id": "support"}),
            ("sk-one", "m:secret", {}),
            ("sk-one", "m", {}),
        ):
            status, text = await client.post("chat/completions", key, model=model, **fields, **CHAT)
            assert status == 404
            assert "model_not_found" in text
        assert not client.asked
        status, _ = await client.post("chat/completions", "sk-one", model="m", adapter_id="support", **CHAT)
        assert status == 200


@pytest.mark.parametrize("path", ["load_lora_adapter", "unload_lora_adapter"])
async def test_only_keys_with_all_adapters_change_them(path: str) -> None:
    async with served() as client:
        for key, status in (("sk-one", 403), ("sk-base", 403), ("wrong", 401)):
            found, _ = await client.post(path, key, lora_name="support", base_model_name="m")
            assert found == status
        assert (await client.post(path, "sk-one", lora_name="support"))[0] == 403


@pytest.mark.parametrize("key", ["sk-one", "sk-all"])
async def test_an_adapter_may_be_named_twice_but_not_two(key: str) -> None:
    async with served() as client:
        await client.post("load_lora_adapter", lora_name="support")
        status, _ = await client.post("chat/completions", key, model="m:support", adapter_id="support", **CHAT)
        assert (status, client.asked) == (200, ["support"])
        status, text = await client.post("chat/completions", key, model="m:support", adapter_id="secret", **CHAT)
        assert (status, '"param":"adapter_id"' in text) == (400, True)


@pytest.mark.parametrize("body", [{}, {"lora_name": ""}, {"lora_name": 1}, {"lora_name": "a", "lora_path": []}])
async def test_what_is_wrong_with_a_body_is_told(body: dict[str, Any]) -> None:
    async with served() as client:
        status, text = await client.post("load_lora_adapter", **body)
        assert status == 400
        assert "lora_" in text


async def test_the_sdk_finds_an_adapter_by_its_name() -> None:
    async with served() as client:
        await client.post("load_lora_adapter", lora_name="support")
        async with openai.AsyncOpenAI(base_url=f"{client.url}/v1", api_key="sk-all", max_retries=0) as sdk:
            assert (await sdk.models.retrieve("m:support")).id == "m:support"
            with pytest.raises(openai.NotFoundError):
                await sdk.models.retrieve("m:other")
