"""What a worker sees of a provider in another process, which a server on a Unix socket plays."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from forebay.core.adapters import AdapterSource
from forebay.core.errors import UpstreamError
from forebay.core.types import Deployment, Whole
from forebay.providers.hosted import HostedProvider
from tests.providers.vllm.test_provider import DEPLOYMENT, call
from tests.support.until import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")

ANSWER = {"choices": [{"message": {"content": "hi"}}]}


class Host:
    """Answers ``/ready`` as ``failures`` say."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}
        self.probes = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                is_probe = head.startswith(b"GET /ready")
                self.probes += is_probe
                status = 503 if is_probe and self.failures else 200
                body = json.dumps({"providers": self.failures} if is_probe else ANSWER).encode()
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        writer.close()


@contextlib.asynccontextmanager
async def listening(host: Host, path: Path) -> AsyncIterator[None]:
    async with await asyncio.start_unix_server(host, path):
        yield


async def test_it_says_what_the_host_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.providers.hosted.LOOK_EVERY", 0.02)
    host, path = Host(), tmp_path / "s"
    provider = HostedProvider("v", f"unix:{path}:", twin="v")
    async with listening(host, path):
        await provider.start()
        assert provider.failure() is None
        reply = await provider.answer(call(), DEPLOYMENT)
        assert isinstance(reply, Whole)
        assert json.loads(reply.body) == ANSWER
        host.failures = {"other": "it is another one"}
        seen = host.probes
        await until(lambda: host.probes > seen + 1)
        assert provider.failure() is None
        host.failures = {"v": "it is starting"}
        await until(lambda: provider.failure() == "it is starting")
        host.failures = {}
        await until(lambda: provider.failure() is None)
    await provider.close()


async def test_a_host_that_is_gone_is_told(tmp_path: Path) -> None:
    provider = HostedProvider("v", f"unix:{tmp_path}/s:", twin="v")
    await provider.start()
    assert provider.failure() == "the process that it runs in does not answer"
    with pytest.raises(UpstreamError):
        await provider.answer(call(), DEPLOYMENT)
    await provider.close()


class Adapted:
    """Takes note of what it is asked, and has one adapter of ``q`` and one of another model."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rows = [{"id": "q"}, {"id": "q:a", "parent": "q"}, {"id": "other:b", "parent": "other"}]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                content = await reader.readexactly(length)
                path = head.split()[1].decode()
                if content:
                    self.asked.append((path, json.loads(content)))
                body = json.dumps({"data": rows} if path == "/v1/models" else ANSWER).encode()
                writer.write(b"HTTP/1.1 200 x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()


async def test_adapters_are_those_of_the_host(tmp_path: Path) -> None:
    host, path = Adapted(), tmp_path / "s"
    provider = HostedProvider("v", f"unix:{path}:", twin="v")
    deployment = Deployment("v/q", "v", "q")
    async with await asyncio.start_unix_server(host, path):
        assert await provider.adapters(deployment) == ["a"]
        await provider.load_adapter(deployment, AdapterSource("c", "folder", replace=True))
        await provider.unload_adapter(deployment, "a")
        await provider.answer(call(), msgspec.structs.replace(deployment, adapter="a"))
        await provider.close()
    loaded, unloaded, (_, chat) = host.asked
    assert loaded == ("/v1/load_lora_adapter", {"lora_name": "q:c", "lora_path": "folder", "load_inplace": True})
    assert unloaded == ("/v1/unload_lora_adapter", {"lora_name": "q:a"})
    assert chat["model"] == "q:a"
