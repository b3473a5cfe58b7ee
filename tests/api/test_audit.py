"""Whatever an admin changes is told afterwards, with who did it, and never with a secret."""

import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import pytest

from forebay.app import application
from forebay.auth import trail
from forebay.auth.trail import MOST, Trail
from forebay.cli.source import Source
from forebay.core.errors import UnavailableError
from forebay.core.keys import AdminAction
from forebay.core.types import Principal
from tests.support.serving import serving

ADMIN = {"authorization": "Bearer sk-root-canary"}
CONFIG = """
auth: {{keys: [{{key: sk-root-canary, name: root, admin: true}}, {{key: sk-alice, name: alice}}]}}
cache: memory
providers: {{a: {{kind: openai, base_url: 'http://127.0.0.1:1/v1', api_key: sk-canary}}}}
models: {{m: {{provider: a}}}}
{store}
"""


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def source(folder: Path, *, store: bool) -> Source:
    file = folder / "forebay.yaml"
    file.write_text(CONFIG.format(store=f"store: {{url: 'sqlite:///{folder}/forebay.db'}}" if store else ""))
    return Source(file)


async def change_everything(http: aiohttp.ClientSession, url: str, text: str) -> None:
    for method, path, body, status in (
        ("PUT", "/admin/config", text, 200),
        ("PUT", "/admin/config", "models: 7", 400),
        ("POST", "/admin/cache/warm", "{}", 200),
        ("DELETE", f"/admin/cache/{'ab' * 32}", None, 404),
        ("DELETE", "/admin/cache?tenant=a%0ab", None, 200),
    ):
        async with http.request(method, url + path, data=body, headers=ADMIN) as answer:
            assert answer.status == status, await answer.text()
        async with http.request(method, url + path, data=body, headers={"authorization": "Bearer sk-alice"}) as answer:
            assert answer.status == 403


async def test_in_the_store(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    changing = source(tmp_path, store=True)
    settings, text = changing.read(), changing.file.read_text()  # a small file of the test's own
    async with serving(application(settings, None, changing)) as running:
        await change_everything(http, running.url, text)
        async with http.get(f"{running.url}/admin/audit", headers={"authorization": "Bearer sk-alice"}) as answer:
            assert answer.status == 403
        async with http.get(f"{running.url}/admin/audit", headers=ADMIN) as answer:
            told = await answer.text()
    assert "canary" not in told
    rows = msgspec.json.decode(told)["data"]
    assert [(row["action"], row["target"]) for row in rows] == [
        ("cache.clear", "cache"),
        ("cache.delete", "ab" * 32),
        ("cache.warm", "cache"),
        ("config.refused", "config"),
        ("config.change", "config"),
        ("config.change", "config"),
    ]
    assert {row["principal"] for row in rows} == {"root"}
    assert rows[0]["details"] == {"tenant": "a\nb"}


async def test_a_clock_that_was_set_back_hides_nothing(
    http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = source(tmp_path, store=True)
    async with serving(application(changing.read(), None, changing)) as running:
        with monkeypatch.context() as patched:
            patched.setattr(trail, "time", SimpleNamespace(time=lambda: time.time() + 7200))
            async with http.delete(f"{running.url}/admin/cache?all=true", headers=ADMIN) as answer:
                assert answer.status == 200
        async with http.get(f"{running.url}/admin/audit", headers=ADMIN) as answer:
            assert [row["action"] for row in (await answer.json())["data"]] == ["cache.clear"]


async def test_in_the_log_where_there_is_no_store(
    http: aiohttp.ClientSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changing = source(tmp_path, store=False)
    settings, text = changing.read(), changing.file.read_text()  # a small file of the test's own
    async with serving(application(settings, None, changing)) as running:
        await change_everything(http, running.url, text)
        async with http.get(f"{running.url}/admin/audit", headers=ADMIN) as answer:
            assert answer.status == 404
    lines = [record.getMessage() for record in caplog.records if record.name == "forebay.admin"]
    assert len(lines) == 6
    assert not [line for line in lines if "canary" in line or "\n" in line]


class Away:
    """A log that cannot be asked."""

    async def add(self, _action: AdminAction) -> None:
        raise UnavailableError("away")

    async def list(self, _before: float, _limit: int) -> list[AdminAction]:
        raise UnavailableError("away")


async def test_in_the_log_where_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    await Trail(Away()).note(Principal("root\r\nx"), "adapter.load", "t" * 10_000, path="p" * 10_000, none=None)
    line = caplog.messages[-1]
    told: dict[str, Any] = msgspec.json.decode(line.removeprefix("admin action: "))
    assert (told["action"], told["principal"]) == ("adapter.load", "root\r\nx")
    assert len(told["target"]) == len(told["details"]["path"]) == MOST
    assert "\n" not in line
