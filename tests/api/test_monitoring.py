"""Every query of the dashboard and of the alert rules finds its metrics and labels in what ``/metrics`` really says."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.test_counters import chat, served
from tests.support.promql import alerts, asked, dashboard, data, panels
from tests.support.serving import Running

ENGINE = "forebay_engine_"
NOTHING_HERE = (ENGINE, "forebay_guard_errors", "forebay_queue")


def known(text: str) -> dict[str, set[str]]:
    """Every sample's name with the labels that it has."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def busy(running: Running, http: aiohttp.ClientSession) -> str:
    """What ``/metrics`` says when something of everything has happened."""
    for model in ("plain", "cached", "cached", "dead", "flaky", "second", "away", "hedged", "none"):
        for stream in (False, True):
            await chat(http, running, model=model, stream=stream)
    await chat(http, running, model="plain", messages=[{"role": "user", "content": "forbidden"}])
    async with http.get(f"{running.url}/metrics") as reply:
        return await reply.text()


def missing(text: str, queries: Iterator[tuple[str, str]], *, engine: bool) -> list[str]:
    there = known(text)
    return [
        f"{title}: {name}{sorted(labels)}"
        for title, query in queries
        for name, labels in asked(query).items()
        if name.startswith(ENGINE) is engine and not (name in there and labels <= there[name] | {"le"})
    ]


async def test_every_query_finds_its_metrics() -> None:
    async with served() as (running, _, http):
        text = await busy(running, http)
    # Without an error of a guard there is no sample of that family; its labels are in test_guards.py.
    text += 'forebay_guard_errors_total{guard="words",error="timeout"} 1\n'
    assert missing(text, panels(), engine=False) == []
    assert missing(text, alerts(), engine=False) == []
    assert missing(text.replace("forebay_requests_total", "forebay_request_total"), panels(), engine=False)


@pytest.mark.engine
async def test_every_query_about_the_engine_finds_its_metrics(server_url: str) -> None:
    async with aiohttp.ClientSession() as http:
        body = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
        async with http.post(f"{server_url}/v1/chat/completions", json=body) as reply:
            await reply.read()
        async with http.get(f"{server_url}/metrics") as reply:
            text = await reply.text()
    assert missing(text, panels(), engine=True) == []
    assert missing(text, alerts(), engine=True) == []


def test_the_dashboard_is_one_that_grafana_can_read() -> None:
    found = dashboard()
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in found["panels"])
    assert {each["name"] for each in found["templating"]["list"]} == {"datasource", "model", "deployment"}
    assert found["uid"] == "forebay"


@pytest.mark.needs("prometheus")
def test_prometheus_takes_the_alert_rules(tmp_path: Path) -> None:
    rules = tmp_path / "alerts.yaml"
    rules.write_text(data("alerts.yaml"), "utf-8")
    done = subprocess.run(
        ["promtool", "check", "rules", str(rules)], check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert f"SUCCESS: {len([*alerts()])} rules found" in done.stdout


@pytest.mark.slow
@pytest.mark.needs("prometheus")
async def test_prometheus_answers_every_query(tmp_path: Path) -> None:
    async with served() as (running, _, http), aiohttp.ClientSession() as free:
        await busy(running, http)
        port = 19090 + running.port % 1000
        config = tmp_path / "prometheus.yml"
        target = {"job_name": "forebay", "static_configs": [{"targets": [f"127.0.0.1:{running.port}"]}]}
        scrape = {
            **target,
            "scrape_interval": "250ms",
            "scrape_timeout": "200ms",
            "authorization": {"credentials": "sk"},
        }
        (tmp_path / "alerts.yaml").write_text(data("alerts.yaml"), "utf-8")
        config.write_text(json.dumps({"scrape_configs": [scrape], "rule_files": ["alerts.yaml"]}), "utf-8")
        process = await asyncio.create_subprocess_exec(
            *("prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"),
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _scraped(free, port)
            await busy(running, http)
            for title, query in (*panels(), *alerts()):
                answer = await _asked(free, port, query)
                assert answer["status"] == "success", (title, query, answer)
            async with asyncio.timeout(20):
                while await _silent(free, port):  # noqa: ASYNC110  # it has no event
                    await asyncio.sleep(0.2)
        finally:
            process.terminate()
            await process.wait()


async def _asked(http: aiohttp.ClientSession, port: int, query: str) -> dict[str, Any]:
    async with http.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}) as reply:
        found: dict[str, Any] = await reply.json()
        return found


async def _scraped(http: aiohttp.ClientSession, port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                if (await _asked(http, port, "forebay_requests_total"))["data"]["result"]:
                    return
            except aiohttp.ClientError:
                pass  # it has not begun to listen
            await asyncio.sleep(0.2)


async def _silent(http: aiohttp.ClientSession, port: int) -> list[str]:
    """The queries that show nothing, of those that have something to show here."""
    found = []
    for _, query in panels():
        if 'status="499"' in query or any(name.startswith(NOTHING_HERE) for name in asked(query)):
            continue
        if not (await _asked(http, port, query))["data"]["result"]:
            found.append(query)
    return found
