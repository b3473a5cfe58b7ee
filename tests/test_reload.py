"""A running server gets another configuration, and no request notices."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from forebay.api.application import Application
from forebay.app import application
from forebay.cli.source import Source
from forebay.core.stream import DONE, event
from tests.support.serving import Running, serving
from tests.support.turns import until
from tests.support.upstream import Asked, Peer, Upstream, chunk, reply, upstream

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

ADMIN, USER = {"authorization": "Bearer admin-key"}, {"authorization": "Bearer user-key"}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
FIRST = event(b'{"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]}')
LAST = event(b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}')
CONFIG = """
auth: {{keys: [{{key: admin-key, name: root, admin: true}}, {{key: user-key, name: user}}]}}
server: {{shutdown_timeout: 5s}}
log: {{requests: false}}
providers:
  kept: {{kind: openai, base_url: "{kept}"}}
  other: {{kind: openai, base_url: "{other}"}}
models: {{m: {{provider: {used}}}}}
"""


def completion(text: str) -> bytes:
    body = b'{"choices": [{"index": 0, "message": {"content": "%b"}, "finish_reason": "stop"}]}' % text.encode()
    return reply(body, b"content-type: application/json")


class Site:
    """A server, its configuration file and its two upstreams."""

    def __init__(
        self, running: Running, file: Path, kept: Upstream, other: Upstream, http: aiohttp.ClientSession
    ) -> None:
        self.running = running
        self.file = file
        self.kept = kept
        self.other = other
        self.http = http

    def text(self, used: str) -> str:
        return CONFIG.format(kept=self.kept.url, other=self.other.url, used=used)

    async def put(self, text: str, headers: dict[str, str]) -> tuple[int, Any]:
        async with self.http.put(f"{self.running.url}/admin/config", data=text.encode(), headers=headers) as answer:
            return answer.status, await answer.json()

    async def ask(self) -> str:
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        url = f"{self.running.url}/v1/chat/completions"
        async with self.http.post(url, json=body, headers=USER) as answer:
            return answer.headers.get("x-forebay-deployment", str(answer.status))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with (
        upstream(completion("kept")) as kept,
        upstream(completion("other")) as other,
        aiohttp.ClientSession() as http,
    ):
        file = tmp_path / "forebay.yaml"
        file.write_text(CONFIG.format(kept=kept.url, other=other.url, used="kept"))
        source = Source(file)
        async with serving(application(source.read(), None, source)) as running:
            yield Site(running, file, kept, other, http)


async def test_put_applies_a_configuration(site: Site) -> None:
    assert await site.ask() == "kept/m"
    assert await site.put(site.text("other"), ADMIN) == (200, {"object": "config", "status": "applied"})
    assert await site.ask() == "other/m"


async def test_a_hangup_reads_the_file_again(site: Site) -> None:
    site.file.write_text(site.text("other"))
    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(10):
        while await site.ask() != "other/m":  # noqa: ASYNC110  # nothing says when a signal has been worked on
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (USER, 403)])
async def test_only_an_admin_may(site: Site, headers: dict[str, str], status: int) -> None:
    assert (await site.put(site.text("other"), headers))[0] == status
    assert await site.ask() == "kept/m"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("models:", "modells:", "the request:8: modells: unknown key 'modells'; did you mean 'models'?"),
        ("kind: openai", "kind: opanai", "the request:6: providers.kept.kind: unknown provider kind 'opanai'"),
        ("base_url:", "base_irl:", "the request:6: providers.kept.base_irl: unknown key"),
        ("provider: kept", "provider: kept, strategy: wise", "the request:8: models.m.strategy.kind: unknown strategy"),
        ("models: {m: {provider: kept}}", "", "the request: names no model"),
        ("auth:", "\x00auth:", "control character"),
    ],
)
async def test_what_is_no_good_changes_nothing_and_says_where(site: Site, old: str, new: str, told: str) -> None:
    status, body = await site.put(site.text("kept").replace(old, new), ADMIN)
    assert status == 400
    assert body["error"]["code"] == "invalid_configuration"
    assert told in body["error"]["message"]
    assert await site.ask() == "kept/m"


async def test_a_bad_file_changes_nothing_and_the_log_says_where(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.file.write_text(site.text("nobody"))
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: "forebay.yaml:8: models.m.provider: unknown provider 'nobody'" in caplog.text)
    assert await site.ask() == "kept/m"


async def test_requests_that_run_end_on_the_old_configuration(site: Site) -> None:
    gate = asyncio.Event()

    async def slow(_asked: Asked, peer: Peer) -> None:
        await peer.send(HEAD + chunk(FIRST))
        await gate.wait()
        await peer.send(chunk(LAST + DONE) + chunk(b""))

    site.kept.answer = slow
    await site.put(site.text("kept").replace("shutdown_timeout: 5s", "shutdown_timeout: 1ms"), ADMIN)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{site.running.url}/v1/chat/completions"
    async with site.http.post(url, json=body, headers=USER) as answer:
        first = await answer.content.readany()
        without = site.text("other").replace('kept: {kind: openai, base_url: "' + site.kept.url + '"}', "")
        assert (await site.put(without, ADMIN))[0] == 200
        assert await site.ask() == "other/m"
        with pytest.raises(TimeoutError):  # longer than a server that ends would wait
            await asyncio.wait_for(answer.content.readany(), 0.2)
        assert len(site.kept._open) == 1
        gate.set()
        text = (first + await answer.read()).decode()
    assert text.endswith("data: [DONE]\n\n")
    await until(lambda: not site.kept._open)


async def test_a_request_that_never_ends_holds_nothing_for_ever(site: Site) -> None:
    async def never(_asked: Asked, peer: Peer) -> None:
        await peer.send(HEAD + chunk(FIRST))
        await peer.until_left()

    site.kept.answer = never
    text = site.text("kept").replace("{provider: kept}", "{provider: kept, timeouts: {total: 200ms}}")
    await site.put(text, ADMIN)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{site.running.url}/v1/chat/completions"
    async with site.http.post(url, json=body, headers=USER) as answer:
        await answer.content.readany()
        without = site.text("other").replace('kept: {kind: openai, base_url: "' + site.kept.url + '"}', "")
        assert (await site.put(without, ADMIN))[0] == 200
        async with asyncio.timeout(5):
            rest = (await answer.read()).decode()
    assert "the time-out 'total' passed" in rest
    assert "[DONE]" not in rest
    await until(lambda: not site.kept._open)


async def test_a_server_that_ends_waits_for_no_old_configuration(tmp_path: Path) -> None:
    async with upstream(completion("kept")) as kept, aiohttp.ClientSession() as http:
        file = tmp_path / "forebay.yaml"
        file.write_text(CONFIG.format(kept=kept.url, other="http://127.0.0.1:1/v1", used="kept"))
        source = Source(file)
        service = application(source.read(), None, source)
        assert isinstance(service, Application)
        async with serving(service) as running:
            service._table.running += 1  # a request that ignores that it was cancelled
            site = Site(running, file, kept, kept, http)
            assert (await site.put(site.text("other"), ADMIN))[0] == 200
            ending = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() < ending + 10


async def test_what_has_not_changed_is_kept(site: Site) -> None:
    await site.ask()
    assert site.kept.accepted == 1
    again = (
        site.text("kept").replace("providers:", "# moved\nproviders:").replace(site.other.url, site.other.url + "/x")
    )
    assert (await site.put(again, ADMIN))[0] == 200
    await site.ask()
    assert site.kept.accepted == 1, "the connection is still the old one"


async def test_a_cache_that_has_not_changed_keeps_its_entries_and_another_one_begins_empty(site: Site) -> None:
    cached = site.text("kept") + "cache: {store: memory, ttl: 1h}\n"
    await site.put(cached, ADMIN)
    asked = [await site.ask(), await site.ask()]
    await site.put(cached.replace("ttl: 1h", "ttl: 2h"), ADMIN)
    asked.append(await site.ask())
    await site.put(cached.replace("store: memory", "store: {kind: memory, max_bytes: 1MiB}"), ADMIN)
    asked.append(await site.ask())
    await site.put(site.text("kept"), ADMIN)
    asked.append(await site.ask())
    assert asked == ["kept/m", "cache", "cache", "kept/m", "kept/m"]


async def test_another_upstream_is_another_cache(site: Site) -> None:
    await site.put(site.text("kept") + "cache: memory\n", ADMIN)
    await site.ask()
    moved = site.text("kept").replace(f'base_url: "{site.kept.url}"', f'base_url: "{site.kept.url}/x"')
    await site.put(moved + "cache: memory\n", ADMIN)
    assert await site.ask() == "kept/m"


async def test_counts_go_on(site: Site) -> None:
    await site.ask()
    await site.put(site.text("other"), ADMIN)
    await site.ask()
    async with site.http.get(f"{site.running.url}/metrics", headers=USER) as answer:
        text = await answer.text()
    assert 'forebay_requests_total{model="m",deployment="kept/m",status="200",outcome="ok",cache=""} 1' in text
    assert 'forebay_requests_total{model="m",deployment="other/m",status="200",outcome="ok",cache=""} 1' in text
    assert 'forebay_deployment_running{deployment="other/m"} 0' in text


async def test_many_changes_under_load_drop_no_request(site: Site) -> None:
    async def load() -> set[str]:
        return {await site.ask() for _ in range(40)}

    asking = [asyncio.create_task(load()) for _ in range(8)]
    for number in range(10):
        assert (await site.put(site.text(("kept", "other")[number % 2]), ADMIN))[0] == 200
    answers: set[str] = set().union(*await asyncio.gather(*asking))
    assert answers <= {"kept/m", "other/m"}


async def test_without_keys_nobody_is_an_admin(tmp_path: Path) -> None:
    file = tmp_path / "forebay.yaml"
    file.write_text("providers: {p: {kind: openai}}\nmodels: {m: {provider: p}}\n")
    source = Source(file)
    async with serving(application(source.read(), None, source)) as running, aiohttp.ClientSession() as http:
        async with http.put(f"{running.url}/admin/config", data=file.read_text()) as answer:
            assert answer.status == 403
        with contextlib.suppress(aiohttp.ClientError):
            headers = {"host": "rebound.example"}
            async with http.put(f"{running.url}/admin/config", data="", headers=headers) as answer:
                assert (await answer.json())["error"]["code"] == "host_not_allowed"
