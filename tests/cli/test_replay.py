"""``forebay replay`` against servers that run: captures, files, another model, and rules that fail."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from click.testing import CliRunner, Result

from forebay.app import assemble
from forebay.cli import main
from forebay.cli.replay.compare import rule
from forebay.cli.replay.failures import ReplayError
from forebay.core.errors import UpstreamError
from forebay.core.types import Usage
from forebay.settings import (
    CaptureSettings,
    DeploymentSettings,
    LogSettings,
    ModelSettings,
    Secret,
    Settings,
    StoreSettings,
    section,
)
from forebay.settings.guards import GuardSettings, PolicySettings, RuleSettings
from tests.support.cached import completion
from tests.support.scripted import Scripted
from tests.support.serving import serving

GUARDS = {"words": GuardSettings(RuleSettings(mode="monitor"), section("ban_list", {"words": ["Hello"]}))}


def settings(tmp_path: Path) -> Settings:
    return Settings(
        models={name: ModelSettings((DeploymentSettings(name),)) for name in ("old", "new", "dead")},
        store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")),
        capture=CaptureSettings(requests=True),
        guards=GUARDS,
        policies=PolicySettings(models={"new": ("words",)}),
        log=LogSettings(requests=False, guards=False),
    )


@contextlib.asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[str]:
    """A server that has answered three requests by its model ``old``, and captured them."""
    providers = {
        "old": Scripted([completion("The forebay is full of water")], Usage(3, 6)),
        "new": Scripted([completion("The forebay is empty")], Usage(3, 4)),
        "dead": Scripted([UpstreamError("gone")]),
    }
    async with serving(assemble(settings(tmp_path), providers)) as running, aiohttp.ClientSession() as http:
        for number in range(3):
            body = {"model": "old", "messages": [{"role": "user", "content": f"Hello {number}"}]}
            async with http.post(f"{running.url}/v1/chat/completions", json=body) as reply:
                assert reply.status == 200
        async with asyncio.timeout(10):
            while await _stories(http, running.url) < 3:  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.05)
        yield running.url


async def _stories(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(f"{url}/v1/captures") as reply:
        return sum(each["story"] is not None for each in (await reply.json())["data"])


async def replay(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ["replay", *arguments])


def told(result: Result) -> Any:
    assert result.exit_code in {0, 1}, result.output
    return json.loads(result.stdout)


async def test_captures_are_asked_again_of_another_model(tmp_path: Path) -> None:
    async with served(tmp_path) as url:
        same = told(await replay(url, "--json", "-"))
        other = await replay(
            url, "--model", "new", "--json", "-", "--fail-if", "similarity<0.9", "--fail-if", "errors>0"
        )
        dead = await replay(url, "--model", "dead", "--json", "-", "--fail-if", "errors > 0")
        shown = await replay(url, "--model", "new", "--limit", "2", "--save", str(tmp_path / "saved.jsonl"))
        again = told(await replay(str(tmp_path / "saved.jsonl"), "--url", url, "--json", "-"))
        async with aiohttp.ClientSession() as http:
            assert await _stories(http, url) == 3, "a replay is not captured"
    assert same["summary"]["requests"] == 3
    assert (same["summary"]["similarity"], same["summary"]["errors"], same["summary"]["verdicts"]) == (1.0, 0, 0)
    assert same["summary"]["method"] == "token overlap"
    assert other.exit_code == 1
    assert told(other)["failed"] == ["similarity<0.9"]
    assert 0.5 < told(other)["summary"]["similarity"] < 0.9
    assert told(other)["summary"]["verdicts"] == 3
    assert told(other)["requests"][0]["after"]["verdicts"] == ["words:noted"]
    assert dead.exit_code == 1
    assert told(dead)["summary"]["errors"] == 3
    assert shown.exit_code == 0
    assert "2 requests, then and now" in shown.output
    assert again["summary"]["requests"] == 2
    assert again["summary"]["similarity"] == 1.0


async def test_files_of_batches_and_bodies_are_asked_of_both(tmp_path: Path) -> None:
    body = {"model": "old", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    batch = {"custom_id": "first", "method": "POST", "url": "/v1/chat/completions", "body": body}
    file = tmp_path / "requests.jsonl"
    file.write_bytes(msgspec.json.Encoder().encode_lines([batch, body]))
    async with served(tmp_path) as url:
        found = told(await replay(str(file), "--url", url, "--model", "new", "--json", "-"))
    assert [each["id"] for each in found["requests"]] == ["first", f"{file}, line 2"]
    assert {each["before"]["text"] for each in found["requests"]} == {"The forebay is full of water"}
    assert {each["after"]["text"] for each in found["requests"]} == {"The forebay is empty"}


@pytest.mark.slow
@pytest.mark.engine
async def test_another_configuration_is_started_and_asked(tmp_path: Path) -> None:
    file, config = tmp_path / "requests.jsonl", tmp_path / "other.yaml"
    body = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0}
    file.write_bytes(msgspec.json.encode(body))
    config.write_text("providers: {local: {kind: engine}}\nmodels: {smollm2: {deployments: [{provider: local}]}}\n")
    found = told(await replay(str(file), "--config", str(config), "--json", "-"))
    assert found["summary"]["similarity"] == 1.0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "no request"),
        ("{", "no JSON"),
        ('{"model": "m"}', "'messages', 'prompt' or 'input'"),
        ('{"object": "capture"}', "cannot be read"),
    ],
)
async def test_a_file_that_is_none_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(lines, "utf-8")
    result = await replay(str(file))
    assert result.exit_code == 1
    assert said in result.output


async def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    result = await replay("http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "cannot be asked" in result.output
    assert (await replay(str(tmp_path), "--fail-if", "speed>1")).exit_code == 1


def test_rules() -> None:
    assert (rule("latency > 1.5").name, rule("similarity<0.8").below) == ("latency", True)
    for text in ("", "latency", "latency=1", "similarity<x", "latency>-1"):
        with pytest.raises(ReplayError):
            rule(text)
